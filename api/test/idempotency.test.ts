import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handleOnce } from '../src/http/handle-once.ts';
import { routesOf } from '../src/http/route.ts';
import type { RepeatableDeps } from '../src/http/route.ts';
import type { Transaction } from '../src/platform/database.ts';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, post, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Json, TestAgent, TestMember } from './support/callers.ts';

const { scopedRoute } = routesOf('things');

let api: TestApi;
let second: TestApi;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000' };
  api = await startApi({ env });
  second = await startApi({ env, database: api.database });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

/** As if the tenant had sent its keys so long before. */
const age = (member: TestMember, by: string) =>
  api.sql(
    `update idempotency_keys set answer_until = answer_until - $2::interval, expires_at = expires_at - $2::interval
     where tenant_id = $1`,
    [member.tenantId, by],
  );
const withKey = (key: string) => ({ 'idempotency-key': key });
const transactionId = async (trx: Transaction): Promise<string> =>
  (await trx.raw<{ rows: [{ id: string }] }>('select pg_current_xact_id()::text as id')).rows[0].id;
const namesOf = async (member: TestMember): Promise<unknown[]> =>
  ((await member.get('/agents')).body.data as Json[]).map(({ name }) => name);

it('A repeated creation makes one agent', async () => {
  const member = await signUp(api);
  const create = (body: Json, key = 'k1') => member.send('POST', '/agents', body, withKey(key));
  const first = await create({ name: 'once', version: '1.0.0' });
  const again = await create({ version: '1.0.0', name: ' once ' });
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.text).toBe(first.text);
  for (const header of ['location', 'etag'])
    expect(again.headers.get(header)).toBe(first.headers.get(header));
  expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
  const other = await create({ name: 'twice' });
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  expect((await create({ name: 'twice' }, 'k2')).status).toBe(201);
  expect(await namesOf(member)).toEqual(['twice', 'once']);
  const log = await api.sql('select action from audit_events where tenant_id = $1', [member.tenantId]);
  expect(log).toHaveLength(2);
});

it('belongs to its principal and its operation', async () => {
  const member = await signUp(api);
  const agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
  const asked = [
    await member.send('POST', '/agents', { name: 'a' }, withKey('k')),
    await agent.send('POST', '/agents', { name: 'b' }, withKey('k')),
    await (await signUp(api)).send('POST', '/agents', { name: 'c' }, withKey('k')),
    await member.send('POST', `/agents/${agent.agentId}/credentials`, {}, withKey('k')),
  ];
  expect(asked.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
});

it('is of one address: the same body for another agent is another request', async () => {
  const member = await signUp(api);
  const [one, other] = [await registerAgent(api, member), await registerAgent(api, member)];
  const create = ({ agentId }: TestAgent) =>
    member.send('POST', `/agents/${agentId}/credentials`, {}, withKey('k'));
  expect((await create(one)).status).toBe(201);
  const reply = await create(other);
  expect([reply.status, reply.body.code]).toEqual([422, 'idempotency_key_reused']);
});

it('Repeatable work cannot leave its transaction', async () => {
  const { tenantId, userId } = await signUp(api);
  let given: RepeatableDeps | undefined;
  const route = scopedRoute({
    method: 'post',
    path: '/things',
    operationId: 'createThing',
    summary: 'Make a thing',
    access: ['agents:write'],
    repeatable: 'answer',
    responses: {},
    problems: [],
    handle: async (deps) => {
      given = deps;
      const ids = await Promise.all([1, 2].map(() => deps.db.withTenant(tenantId, transactionId)));
      const other = await deps.db.withTenant(newId('ten'), transactionId).catch(String);
      return { status: 200, body: { ids, other } };
    },
  });
  const request = {
    params: {},
    query: {},
    body: {},
    raw: Buffer.alloc(0),
    origin: { requestId: newId('req'), ip: '127.0.0.1', userAgent: null },
    prefersCsv: false,
    setHeaders: () => {},
  };
  const principal = { kind: 'member', tenantId, id: userId, scopes: [] } as const;
  const handle = (headers: Record<string, string>) =>
    handleOnce(api.deps, route, { ...request, headers }, principal);
  const { body } = await handle(withKey('k'));
  const { ids, other } = body as { ids: string[]; other: string };
  expect(new Set(ids).size).toBe(1);
  expect(other).toBe('Error: this transaction belongs to another tenant');
  const parts = () => [Object.keys(given!).sort(), Object.keys(given!.db)];
  const narrow = [['clock', 'config', 'db', 'peppers'], ['withTenant']];
  expect(parts()).toEqual(narrow);
  await handle({});
  expect(parts()).toEqual(narrow);
});

const EXCHANGE = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
};

describe('a repetition by another caller', () => {
  const scopes = ['agents:read', 'agents:write', 'trust:write'];
  const tokenOf = async (agent: TestAgent, form: Record<string, string>) =>
    (await agent.requestToken(form)).body.access_token as string;
  const register = (token: string) =>
    post(api, '/agents', { name: 'one' }, { authorization: `Bearer ${token}`, ...withKey('k') });

  it('An answer is repeated to who holds no less', async () => {
    const agent = await registerAgent(api, await signUp(api), scopes);
    const first = await register(await agent.token());
    const narrowed = await register(await tokenOf(agent, { scope: 'agents:write' }));
    expect([first.status, narrowed.status, narrowed.body.code]).toEqual([201, 403, 'forbidden']);
    expect(narrowed.text).not.toContain(first.body.agentId);
    expect((await register(await agent.token())).text).toBe(first.text);
  });

  it('Who acts for another has keys of its own', async () => {
    const member = await signUp(api);
    const [agent, actor] = [
      await registerAgent(api, member, scopes),
      await registerAgent(api, member, scopes),
    ];
    expect((await register(await agent.token())).status).toBe(201);
    const exchanged = await tokenOf(actor, { ...EXCHANGE, subject_token: await agent.token() });
    const other = await register(exchanged);
    // It is asked anew, and the name is taken.
    expect([other.status, other.body.code]).toEqual([409, 'agent_name_taken']);
  });

  it('A replaced secret hears no answer but its own', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member, scopes);
    const path = `/agents/${agent.agentId}/credentials/${agent.credentialId}/rotate`;
    const rotate = (token: string) =>
      post(api, path, {}, { authorization: `Bearer ${token}`, ...withKey('rotate') });
    const [own, stolen] = [await agent.token(), await agent.token()];
    const first = await rotate(own);
    expect(first.status).toBe(200);
    expect((await rotate(own)).body.clientSecret).toBe(first.body.clientSecret);
    expect([(await rotate(stolen)).status, (await rotate(stolen)).body.code]).toEqual([403, 'forbidden']);
  });

  it('A secret that the caller may not make any more is answered to it no more', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
    const target = await registerAgent(api, member);
    const make = (token: string) =>
      post(
        api,
        `/agents/${target.agentId}/credentials`,
        {},
        { authorization: `Bearer ${token}`, ...withKey('make') },
      );
    const [first, second] = [await agent.token(), await agent.token()];
    const made = await make(first);
    expect(made.status).toBe(201);
    expect((await make(second)).text).toBe(made.text);
    await member.send('PATCH', `/agents/${target.agentId}`, { scopes: ['agents:read', 'audit:read'] });
    const refused = await make(second);
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
  });

  it('A lower role hears no answer of the higher', async () => {
    const member = await signUp(api);
    const { agentId } = await registerAgent(api, member);
    const create = () => member.send('POST', `/agents/${agentId}/credentials`, {}, withKey('k'));
    expect((await create()).status).toBe(201);
    await api.sql(`update members set role = 'member' where tenant_id = $1`, [member.tenantId]);
    expect((await create()).status).toBe(403);
  });

  it('An agent that has lost a scope hears no answer from before', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member, scopes);
    const first = await register(await agent.token());
    expect(first.status).toBe(201);
    await member.send('PATCH', `/agents/${agent.agentId}`, { scopes: ['agents:read', 'agents:write'] });
    const token = await tokenOf(agent, { scope: 'agents:read agents:write' });
    // The operation itself is still its own.
    const other = { authorization: `Bearer ${token}`, ...withKey('other') };
    expect((await post(api, '/agents', { name: 'two' }, other)).status).toBe(201);
    const refused = await register(token);
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect(refused.body.detail).toContain('had more scopes: trust:write');
    expect(refused.text).not.toContain(first.body.agentId);
  });
});

it('Parallel repetitions make one agent', async () => {
  const member = await signUp(api);
  const ask = (url: string) =>
    fetch(`${url}/agents`, {
      method: 'POST',
      headers: {
        cookie: member.cookie,
        origin: api.deps.config.DASHBOARD_URL,
        'content-type': 'application/json',
        ...withKey('storm'),
      },
      body: '{"name":"one"}',
    });
  const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => ask((i % 2 ? api : second).url)));
  const made = replies.filter(({ status }) => status === 201);
  const ids = await Promise.all(made.map(async (reply) => ((await reply.json()) as Json).agentId));
  expect(new Set(ids).size).toBe(1);
  expect(replies.filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
  expect(await namesOf(member)).toEqual(['one']);
});

it('A refused request may be tried again', async () => {
  const member = await signUp(api);
  const taken = (await member.post('/agents', { name: 'taken' })).body.agentId as string;
  const create = () => member.send('POST', '/agents', { name: 'taken' }, withKey('k'));
  expect((await create()).status).toBe(409);
  await member.send('DELETE', `/agents/${taken}`);
  expect((await create()).status).toBe(201);
});

it('A secret is answered again for ten minutes', async () => {
  const member = await signUp(api);
  const { agentId, credentialId } = await registerAgent(api, member);
  const rotate = () =>
    member.send('POST', `/agents/${agentId}/credentials/${credentialId}/rotate`, {}, withKey('k'));
  const first = await rotate();
  await age(member, '9 minutes');
  const again = await rotate();
  expect([first.status, again.status]).toEqual([200, 200]);
  expect(again.body.clientSecret).toBe(first.body.clientSecret);
  const [kept] = await api.sql('select answer from idempotency_keys where tenant_id = $1', [member.tenantId]);
  expect(kept!.answer).toEqual(expect.any(String));
  expect(kept!.answer).not.toContain(first.body.clientSecret);
  await age(member, '1 minute');
  const late = await rotate();
  expect([late.status, late.body.code]).toEqual([409, 'idempotent_answer_gone']);
  await member.send('POST', '/agents', { name: 'other' }, withKey('other'));
  const left = await api.sql(
    `select answer from idempotency_keys where tenant_id = $1 and operation = 'rotateCredential'`,
    [member.tenantId],
  );
  expect(left).toEqual([{ answer: null }]);
  const form = { grant_type: 'client_credentials' };
  expect((await requestToken(api, basic(agentId, first.body.clientSecret as string), form)).status).toBe(200);
  const rotations = await api.sql(
    `select 1 from audit_events where action = 'credential.rotated' and tenant_id = $1`,
    [member.tenantId],
  );
  expect(rotations).toHaveLength(1);
});

it('is forgotten after a day', async () => {
  const member = await signUp(api);
  const create = (name: string) => member.send('POST', '/agents', { name }, withKey('k'));
  expect((await create('first')).status).toBe(201);
  await age(member, '24 hours');
  expect((await create('second')).status).toBe(201);
  const rows = await api.sql('select 1 from idempotency_keys where tenant_id = $1', [member.tenantId]);
  expect(rows).toHaveLength(1);
});

describe('An expired key is free, however many others have expired', () => {
  let member: TestMember;
  beforeAll(async () => {
    member = await signUp(api);
    await member.send('POST', '/agents', { name: 'before' }, withKey('before'));
    await api.sql(
      `insert into idempotency_keys (tenant_id, principal, operation, key, fingerprint, answer_until, expires_at)
         select tenant_id, principal, operation, 'before ' || n, fingerprint, answer_until, expires_at
         from idempotency_keys, generate_series(1, 300) n where tenant_id = $1`,
      [member.tenantId],
    );
    await member.send('POST', '/agents', { name: 'first' }, withKey('other'));
    await member.send('POST', '/agents', { name: 'same' }, withKey('same'));
    await member.send('POST', '/agents', { name: 'early' }, withKey('parallel'));
    await age(member, '24 hours');
  });

  it('for another request', async () => {
    const { status, headers } = await member.send('POST', '/agents', { name: 'second' }, withKey('other'));
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, null]);
  });

  it('for the same request, which is done once more', async () => {
    const { status, body } = await member.send('POST', '/agents', { name: 'same' }, withKey('same'));
    expect([status, body.code]).toEqual([409, 'agent_name_taken']);
  });

  it('and for one of ten at once', async () => {
    const ask = (process: TestApi) =>
      post(process, '/agents', { name: 'late' }, { cookie: member.cookie, ...withKey('parallel') });
    const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(i % 2 ? api : second)));
    const made = replies.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ body }) => body.agentId)).size).toBe(1);
    expect(replies.filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
    expect((await namesOf(member)).filter((name) => name === 'late')).toHaveLength(1);
  });
});

it.each(['', 'with space', 'x'.repeat(256), 'ümlaut'])('refuses the key "%s" with 400', async (key) => {
  const member = await signUp(api);
  const reply = await member.send('POST', '/agents', { name: 'a' }, withKey(key));
  expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
});
