import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { grantResources, post, registerAgent, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { tapStatements } from './support/statements.ts';
import type { Tap } from './support/statements.ts';

const CRM = 'https://crm.example';
const SEARCH = 'https://search.example';
const FOREIGN = 'https://theirs.example';
const WRITER = ['agents:read', 'agents:write'];

let api: TestApi;
let tap: Tap;
let member: TestMember;

beforeAll(async () => {
  const database = await createTestDatabase();
  tap = await tapStatements(appUrl(database));
  const env = { APP_DATABASE_URL: tap.url, RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  api = await startApi({ database, env });
  member = await signUp(api);
  await makeResource(member, CRM, ['read', 'write', 'admin']);
  await makeResource(member, SEARCH, ['find']);
  await makeResource(await signUp(api), FOREIGN, ['read']);
});
afterAll(async () => {
  await api.close();
  await tap.close();
  await dropTestDatabase(api.database);
});

const makeResource = async (by: Pick<TestMember, 'post'>, identifier: string, scopes: string[]) => {
  const { status, body } = await by.post('/resources', { identifier, scopes });
  expect(status).toBe(201);
  return body.resourceId as string;
};

/** An agent with these grants. */
const agentWith = async (scopes: string[], grants: Record<string, string[]> = {}): Promise<TestAgent> => {
  const agent = await registerAgent(api, member, scopes);
  expect((await grantResources(member, agent, grants)).status).toBe(200);
  return agent;
};

const grantsOf = async ({ agentId }: Pick<TestAgent, 'agentId'>): Promise<unknown> =>
  (await member.get(`/agents/${agentId}`)).body.resourceGrants;

const brief = ({ status, body }: Reply): unknown[] => [status, body.code];
const FORBIDDEN = [403, 'forbidden'];

/** A caller with one token: `form` narrows it. */
const withToken = async (agent: TestAgent, form: Record<string, string> = {}) => {
  const { body } = await agent.requestToken(form);
  const authorization = `Bearer ${body.access_token as string}`;
  return {
    post: (path: string, sent: unknown) => post(api, path, sent, { authorization }),
    send: (method: string, path: string, sent?: unknown) => agent.send(method, path, sent, { authorization }),
  };
};

const EXCHANGE = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
};

describe('resourceGrants of an agent', () => {
  it('An agent gets no scope of a resource that it was not granted', async () => {
    const agent = await registerAgent(api, member, WRITER);
    expect(await grantsOf(agent)).toEqual([]);
    for (const form of [{ resource: CRM }, { resource: CRM, scope: 'read' }] as Record<string, string>[]) {
      const { status, body } = await agent.requestToken(form);
      expect([status, body.error]).toEqual([400, 'invalid_target']);
      expect(body.error_description).toContain(`PATCH /agents/${agent.agentId}`);
    }
    expect((await grantResources(member, agent, { [CRM]: ['write', 'read', 'write'] })).body).toMatchObject({
      resourceGrants: [{ resource: CRM, scopes: ['read', 'write'] }],
    });
    expect((await agent.requestToken({ resource: CRM })).body.scope).toBe('read write');
    expect((await agent.requestToken({ resource: CRM, scope: 'write' })).body.scope).toBe('write');
    const wider = await agent.requestToken({ resource: CRM, scope: 'admin' });
    expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope']);
    expect((await agent.requestToken({ resource: SEARCH })).body.error).toBe('invalid_target');
  });

  it('An unknown resource, a foreign one and one without a grant are one refusal', async () => {
    const agent = await agentWith(['agents:read']);
    const replies = await Promise.all(
      [CRM, FOREIGN, 'https://unknown.example', 'nothing'].map((resource) =>
        agent.requestToken({ resource }),
      ),
    );
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  });

  it('Grants are given at registration and replaced as a whole', async () => {
    const made = await member.post('/agents', {
      name: 'granted',
      resourceGrants: [
        { resource: SEARCH, scopes: ['find'] },
        { resource: CRM, scopes: ['read'] },
      ],
    });
    const both = [
      { resource: CRM, scopes: ['read'] },
      { resource: SEARCH, scopes: ['find'] },
    ];
    expect([made.status, made.body.resourceGrants]).toEqual([201, both]);
    const { agentId } = made.body as { agentId: string };
    const read = await member.get(`/agents/${agentId}`);
    expect(read.body.resourceGrants).toEqual(both);
    expect((await member.get('/agents?q=granted')).body.data).toMatchObject([{ resourceGrants: both }]);

    const [path, etag] = [`/agents/${agentId}`, read.headers.get('etag')!];
    const change = { resourceGrants: [{ resource: CRM, scopes: ['write'] }] };
    const changed = await member.send('PATCH', path, change, { 'if-match': etag });
    expect([changed.status, changed.body.resourceGrants]).toEqual([200, change.resourceGrants]);
    expect(changed.headers.get('etag')).not.toBe(etag);
    expect((await member.send('PATCH', path, change, { 'if-match': etag })).status).toBe(412);
    expect((await member.send('PATCH', path, { version: '2.0.0' })).body).toMatchObject(change);
    expect((await member.post(`${path}/suspend`, undefined)).body).toMatchObject(change);
    expect((await member.send('PATCH', path, { resourceGrants: [] })).body.resourceGrants).toEqual([]);
    const entries = await api.sql(
      `select action, metadata -> 'changed' as changed, metadata -> 'resourceGrants' as grants
       from audit_events where agent_id = $1 and metadata ? 'resourceGrants' order by sequence`,
      [agentId],
    );
    expect(entries).toEqual([
      { action: 'agent.created', changed: null, grants: both },
      { action: 'agent.updated', changed: ['resourceGrants'], grants: change.resourceGrants },
      { action: 'agent.updated', changed: ['resourceGrants'], grants: [] },
    ]);
  });

  const wrong: [what: string, grants: unknown][] = [
    ['no list', {}],
    ['no resource', [{ scopes: ['read'] }]],
    ['no scopes', [{ resource: CRM }]],
    ['an empty list of scopes', [{ resource: CRM, scopes: [] }]],
    ['21 scopes', [{ resource: CRM, scopes: Array.from({ length: 21 }, (_, i) => `s${i}`) }]],
    ['a scope with a space', [{ resource: CRM, scopes: ['a b'] }]],
    ['a relative resource', [{ resource: '/crm', scopes: ['read'] }]],
    ['a NUL', [{ resource: `${CRM}\0`, scopes: ['read'] }]],
    ['the id of a resource', [{ resource: newId('res'), scopes: ['read'] }]],
    ['the API', [{ resource: 'http://api.test', scopes: ['agents:read'] }]],
    ['a resource twice', [CRM, CRM].map((resource) => ({ resource, scopes: ['read'] }))],
    ['101 resources', Array.from({ length: 101 }, (_, i) => ({ resource: `urn:a:${i}`, scopes: ['read'] }))],
    ['an unknown member', [{ resource: CRM, scopes: ['read'], tenantId: 'ten_x' }]],
  ];
  it.each(wrong)('A grant that is none changes nothing: %s', async (_what, resourceGrants) => {
    const agent = await agentWith(['agents:read'], { [SEARCH]: ['find'] });
    const replies = [
      await member.send('PATCH', `/agents/${agent.agentId}`, { resourceGrants, description: 'changed' }),
      await member.post('/agents', { name: 'never', resourceGrants }),
    ];
    for (const reply of replies) expect(brief(reply)).toEqual([400, 'validation_failed']);
    expect((await member.get(`/agents/${agent.agentId}`)).body).toMatchObject({
      description: null,
      resourceGrants: [{ resource: SEARCH, scopes: ['find'] }],
    });
    expect((await member.get('/agents?q=never')).body.data).toEqual([]);
  });

  it('A grant that is none changes nothing: each fault is named, a foreign resource as an unknown one', async () => {
    const agent = await agentWith(['agents:read']);
    const send = async (resource: string) => {
      const { status, body } = await member.send('PATCH', `/agents/${agent.agentId}`, {
        resourceGrants: [
          { resource: CRM, scopes: ['read', 'fly', 'swim'] },
          { resource, scopes: ['read'] },
        ],
      });
      const { requestId: _id, ...rest } = body;
      return { status, ...rest } as { status: number; errors: Json[] };
    };
    const [unknown, foreign] = [await send('https://unknown.example'), await send(FOREIGN)];
    expect(foreign).toEqual(unknown);
    expect(unknown.errors).toEqual([
      {
        path: 'body.resourceGrants.0.scopes',
        message: 'Scopes of resource grant 1 must be scopes of this resource. Unknown to it: fly, swim.',
      },
      {
        path: 'body.resourceGrants.1.resource',
        message: 'Resource of resource grant 2 is not one of the resources of your tenant.',
      },
    ]);
    expect(await grantsOf(agent)).toEqual([]);
  });

  it('Agents are found by a resource of which they are granted scopes', async () => {
    const [first, second, none] = [
      await agentWith(['agents:read'], { [CRM]: ['read'] }),
      await agentWith(['agents:read'], { [CRM]: ['read'], [SEARCH]: ['find'] }),
      await agentWith(['agents:read'], { [SEARCH]: ['find'] }),
    ];
    const { data } = (await member.get('/resources')).body as {
      data: { resourceId: string; identifier: string }[];
    };
    const { resourceId } = data.find(({ identifier }) => identifier === CRM)!;
    const found = async (query: string, { get }: Pick<TestMember, 'get'> = member): Promise<unknown[]> => {
      const reply = await get(`/agents?limit=100&${query}`);
      expect(reply.status).toBe(200);
      return (reply.body.data as { agentId: string }[]).map(({ agentId }) => agentId);
    };
    const all = await found(`resourceId=${resourceId}`);
    expect(all).toEqual(expect.arrayContaining([second.agentId, first.agentId]));
    expect(all).not.toContain(none.agentId);
    const page = (await member.get(`/agents?limit=1&resourceId=${resourceId}`)).body;
    expect(page.nextCursor).toEqual(expect.any(String));
    const next = await found(`resourceId=${resourceId}&cursor=${String(page.nextCursor)}`);
    expect([(page.data as { agentId: string }[])[0]!.agentId, ...next]).toEqual(all);
    expect(await found('resourceId=res_00000000000000000000000000')).toEqual([]);
    expect(await found(`resourceId=${resourceId}`, await signUp(api))).toEqual([]);
  });

  it('A page of agents costs no query for each', async () => {
    const someone = await signUp(api);
    await makeResource(someone, CRM, ['read']);
    const cost = async (): Promise<number> => {
      tap.takeTransactions();
      expect((await someone.get('/agents?limit=100')).status).toBe(200);
      return tap
        .takeTransactions()
        .flat()
        .filter((sql) => / from "?agent/.test(sql)).length;
    };
    const register = (name: string) =>
      someone.post('/agents', { name, resourceGrants: [{ resource: CRM, scopes: ['read'] }] });
    await register('first');
    const one = await cost();
    for (let i = 0; i < 5; i++) await register(`agent ${i}`);
    // The agents, their grants and their last tokens.
    expect([one, await cost()]).toEqual([3, 3]);
  });
});

describe('Nobody grants a resource scope that they do not hold', () => {
  it('but an owner or admin any, and a member of low role none', async () => {
    const agent = await agentWith(['agents:read']);
    const set = (role: string) =>
      api.sql('update members set role = $2 where tenant_id = $1', [member.tenantId, role]);
    for (const [role, status] of [
      ['admin', 200],
      ['member', 403],
      ['owner', 200],
    ] as const) {
      await set(role);
      expect([role, (await grantResources(member, agent, { [CRM]: ['read'] })).status]).toEqual([
        role,
        status,
      ]);
    }
  });

  it('and an agent only what it was granted itself', async () => {
    const agent = await agentWith(WRITER, { [CRM]: ['read', 'write'] });
    const other = await agentWith(['agents:read'], { [CRM]: ['write'] });
    const stronger = await agentWith(['agents:read'], { [CRM]: ['admin'] });
    expect((await grantResources(agent, other, { [CRM]: ['read', 'write'] })).status).toBe(200);
    const refused = [
      await grantResources(agent, other, { [CRM]: ['read', 'write'], [SEARCH]: ['find'] }),
      await grantResources(agent, stronger, { [CRM]: ['read', 'admin'] }),
      await grantResources(agent, agent, { [CRM]: ['read', 'write', 'admin'] }),
      await agent.post('/agents', { name: 'wider', resourceGrants: [{ resource: CRM, scopes: ['admin'] }] }),
    ];
    for (const reply of refused) expect(brief(reply)).toEqual(FORBIDDEN);
    expect(refused[0]!.body.detail).toContain(`find at ${SEARCH}`);
    expect(await grantsOf(other)).toEqual([{ resource: CRM, scopes: ['read', 'write'] }]);
    expect((await member.get('/agents?q=wider')).body.data).toEqual([]);
    const child = { name: `child ${newId('evt')}`, resourceGrants: [{ resource: CRM, scopes: ['write'] }] };
    expect((await agent.post('/agents', child)).body).toMatchObject(child);
  });

  it('A narrowed or exchanged token grants no scope of a resource', async () => {
    const agent = await agentWith([...WRITER, 'audit:read'], { [CRM]: ['read'] });
    const actor = await agentWith([...WRITER, 'audit:read'], { [CRM]: ['read'] });
    const other = await agentWith(['agents:read']);
    const callers = [
      await withToken(agent, { scope: 'agents:write' }),
      await withToken(agent, { scope: WRITER.join(' ') }),
      await withToken(actor, { ...EXCHANGE, subject_token: await agent.token() }),
    ];
    const grants = { resourceGrants: [{ resource: CRM, scopes: ['read'] }] };
    for (const caller of callers) {
      expect(brief(await grantResources(caller, other, { [CRM]: ['read'] }))).toEqual(FORBIDDEN);
      expect(brief(await caller.post('/agents', { name: 'never', ...grants }))).toEqual(FORBIDDEN);
    }
    expect(await grantsOf(other)).toEqual([]);
    expect((await grantResources(await withToken(agent), other, { [CRM]: ['read'] })).status).toBe(200);
  });

  it('A token from before a change grants no more than is left', async () => {
    const agent = await agentWith(WRITER, { [CRM]: ['read', 'write'] });
    const other = await agentWith(['agents:read']);
    const caller = await withToken(agent);
    await grantResources(member, agent, { [CRM]: ['read'] });
    expect([401, 403]).toContain((await grantResources(caller, other, { [CRM]: ['write'] })).status);

    const rotated = await agentWith(WRITER, { [CRM]: ['read'] });
    const stale = await withToken(rotated);
    await member.post(`/agents/${rotated.agentId}/credentials/${rotated.credentialId}/rotate`, {});
    expect(brief(await grantResources(stale, other, { [CRM]: ['read'] }))).toEqual(FORBIDDEN);
    expect(await grantsOf(other)).toEqual([]);
  });
});

describe('A credential is worth the grants of its agent', () => {
  const secrets = ({ agentId, credentialId }: TestAgent): [string, string, unknown][] => [
    ['POST', `/agents/${agentId}/credentials`, {}],
    ['POST', `/agents/${agentId}/keys`, { publicKey: newKeyPair().publicJwk }],
    ['POST', `/agents/${agentId}/credentials/${credentialId}/rotate`, { overlapSeconds: 600 }],
  ];
  const restrictions = ({ agentId, credentialId }: TestAgent): [string, string, unknown][] => [
    ['DELETE', `/agents/${agentId}/credentials/${credentialId}/previous`, undefined],
    ['PATCH', `/agents/${agentId}`, { resourceGrants: [] }],
    ['PATCH', `/agents/${agentId}`, { scopes: ['audit:read'] }],
    ['POST', `/agents/${agentId}/suspend`, undefined],
    ['POST', `/agents/${agentId}/reactivate`, undefined],
    ['DELETE', `/agents/${agentId}/credentials/${credentialId}`, undefined],
    ['DELETE', `/agents/${agentId}`, undefined],
  ];
  type Caller = { send(method: string, path: string, body?: unknown): Promise<Reply> };
  const ask = async (caller: Caller, acts: [string, string, unknown][]): Promise<number[]> => {
    const statuses: number[] = [];
    for (const act of acts) statuses.push((await caller.send(...act)).status);
    return statuses;
  };

  it('An agent gets no secret of one that is granted more of a resource', async () => {
    const other = await agentWith(['agents:read'], { [CRM]: ['read'] });
    const [without, less, same] = [
      await agentWith(WRITER),
      await agentWith(WRITER, { [CRM]: ['write'] }),
      await agentWith(WRITER, { [CRM]: ['read', 'write'] }),
    ];
    const kept = () => api.sql('select * from credentials where agent_id = $1', [other.agentId]);
    const before = await kept();
    for (const agent of [without, less]) expect(await ask(agent, secrets(other))).toEqual([403, 403, 403]);
    const narrowed = await withToken(same, { scope: 'agents:write' });
    expect(await ask(narrowed, secrets(other))).toEqual([403, 403, 403]);
    expect(await kept()).toEqual(before);
    expect(await ask(same, secrets(other))).toEqual([201, 201, 200]);
    expect(await ask(same, secrets(same).slice(2))).toEqual([200]);
  });

  it('An agent takes nothing from one that is granted more of a resource', async () => {
    const other = await agentWith(['agents:read', 'agents:write'], { [CRM]: ['read'] });
    const { body } = await member.post(`/agents/${other.agentId}/credentials/${other.credentialId}/rotate`, {
      overlapSeconds: 600,
    });
    expect(body.clientSecret).toBeDefined();
    await member.post(`/agents/${other.agentId}/suspend`, undefined);
    const [without, same] = [await agentWith(WRITER), await agentWith(WRITER, { [CRM]: ['read'] })];
    const narrowed = await withToken(same, { scope: 'agents:write' });
    const acts = restrictions(other).filter(([, path]) => !path.endsWith('/suspend'));
    for (const caller of [without, narrowed]) expect(await ask(caller, acts)).toEqual(acts.map(() => 403));
    await member.post(`/agents/${other.agentId}/reactivate`, undefined);
    expect(brief(await without.post(`/agents/${other.agentId}/suspend`, undefined))).toEqual(FORBIDDEN);
    const described = await without.send('PATCH', `/agents/${other.agentId}`, { description: 'ours' });
    expect(brief(described)).toEqual(FORBIDDEN);
    expect((await grantResources(same, other, {})).body.resourceGrants).toEqual([]);
    expect(await ask(same, [['POST', `/agents/${other.agentId}/suspend`, undefined]])).toEqual([200]);
  });
});

describe('deleting a resource', () => {
  const remove = (by: Pick<TestMember, 'send'>, id: string) => by.send('DELETE', `/resources/${id}`);

  it('A resource with grants is deleted by who holds them, or by an owner', async () => {
    const identifier = `https://${newId('res')}.example`;
    const id = await makeResource(member, identifier, ['a', 'b']);
    const holder = await agentWith(['agents:read'], { [identifier]: ['a', 'b'], [CRM]: ['read'] });
    const [without, less, same, narrow, actor] = [
      await agentWith(WRITER),
      await agentWith(WRITER, { [identifier]: ['a'] }),
      await agentWith(WRITER, { [identifier]: ['a', 'b'] }),
      await agentWith([...WRITER, 'audit:read'], { [identifier]: ['a', 'b'] }),
      await agentWith(WRITER, { [identifier]: ['a', 'b'] }),
    ];
    const callers = [
      without,
      less,
      await withToken(narrow, { scope: 'agents:write' }),
      await withToken(actor, { ...EXCHANGE, subject_token: await same.token() }),
    ];
    for (const caller of callers) expect(brief(await remove(caller, id))).toEqual(FORBIDDEN);
    const before = await member.get(`/agents/${holder.agentId}`);
    expect((await remove(same, id)).status).toBe(204);
    const after = await member.get(`/agents/${holder.agentId}`);
    expect(after.body.resourceGrants).toEqual([{ resource: CRM, scopes: ['read'] }]);
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
    const [entry] = await api.sql(
      `select metadata from audit_events where action = 'resource.deleted' and metadata ->> 'resourceId' = $1`,
      [id],
    );
    expect(entry!.metadata).toMatchObject({ identifier, agentsWithGrants: 5 });
  });

  it('and by any writer when nobody has grants on it, or only those who are gone', async () => {
    const id = await makeResource(member, `https://${newId('res')}.example`, ['a']);
    const identifier = `https://${newId('res')}.example`;
    const used = await makeResource(member, identifier, ['a']);
    const gone = await agentWith(['agents:read'], { [identifier]: ['a'] });
    await member.send('DELETE', `/agents/${gone.agentId}`);
    const writer = await agentWith(WRITER);
    expect([(await remove(writer, id)).status, (await remove(writer, used)).status]).toEqual([204, 204]);
  });

  it('A resource that is made again is granted to nobody', async () => {
    const identifier = `https://${newId('res')}.example`;
    const id = await makeResource(member, identifier, ['a']);
    const agent = await agentWith(['agents:read'], { [identifier]: ['a'] });
    expect(
      decodeJwt((await agent.requestToken({ resource: identifier })).body.access_token as string).scope,
    ).toBe('a');
    expect((await remove(member, id)).status).toBe(204);
    await makeResource(member, identifier, ['a']);
    expect(await grantsOf(agent)).toEqual([]);
    const refused = await agent.requestToken({ resource: identifier });
    expect([refused.status, refused.body.access_token]).toEqual([400, undefined]);
  });

  it('parallel grants and deletions leave no grant without its resource, and no failure', async () => {
    const identifier = `https://${newId('res')}.example`;
    const agents = await Promise.all(Array.from({ length: 4 }, () => agentWith(['agents:read'])));
    const id = await makeResource(member, identifier, ['a']);
    const replies = await Promise.all([
      ...agents.map((agent) => grantResources(member, agent, { [identifier]: ['a'] })),
      remove(member, id),
      ...agents.map((agent) => grantResources(member, agent, { [identifier]: ['a'], [CRM]: ['read'] })),
    ]);
    expect(replies.map(({ status }) => status).filter((status) => ![200, 204, 400].includes(status))).toEqual(
      [],
    );
    expect(await api.sql('select 1 from agent_resource_grants where resource_id = $1', [id])).toEqual([]);
  });
});
