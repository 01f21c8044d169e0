import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { post, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';
import { onOneDay } from './support/one-day.ts';
import { operations, pathOf } from './support/operations.ts';

const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

/** Nobody listens there: a checkout that is let through ends as 503. */
const BILLING = {
  RATE_LIMIT_MAX_REQUESTS: '1000000',
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  STRIPE_SECRET_KEY: 'sk_test_limits',
  STRIPE_API_URL: 'http://127.0.0.1:9',
};

let api: TestApi;
let second: TestApi;
let member: TestMember;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi({ env: BILLING });
  second = await startApi({ env: BILLING, database: api.database });
});
afterAll(async () => {
  await second.close();
  await api.close();
});
/** A test of a day's counts, with a member and an agent of its own. */
const withinOneDay = (act: () => Promise<void>): Promise<void> =>
  onOneDay(async () => {
    member = await signUp(api);
    agent = await registerAgent(api, member, ['agents:read']);
    await act();
  });

/** As if the tenant had counted so many today. */
const setCount = (count: number, counter = 'creations', day = inDays(0)) =>
  api.sql(
    `insert into daily_counts values ($1, $2, $3, $4) on conflict (tenant_id, counter)
     do update set day = excluded.day, count = excluded.count`,
    [member.tenantId, counter, day.toISOString().slice(0, 10), count],
  );
const readCount = async (counter = 'creations'): Promise<unknown> =>
  (
    await api.sql('select count from daily_counts where tenant_id = $1 and counter = $2', [
      member.tenantId,
      counter,
    ])
  )[0]?.count;

let names = 0;
const bodies: Readonly<Record<string, () => object>> = {
  registerAgent: () => ({ name: `new ${++names}` }),
  createCredential: () => ({}),
  addKey: () => ({ publicKey: newKeyPair().publicJwk }),
  createResource: () => ({ identifier: `urn:test:${++names}`, scopes: ['read'] }),
};
const creating = operations.filter(({ statuses }) => statuses.includes(201));

const create = (id: string, process: Pick<TestApi, 'url'> = api): Promise<Reply> => {
  const operation = creating.find((some) => some.id === id)!;
  const path = pathOf(operation, { agentId: agent.agentId });
  return fetch(`${process.url}${path}`, {
    method: 'POST',
    headers: {
      origin: api.deps.config.DASHBOARD_URL,
      cookie: member.cookie,
      'content-type': 'application/json',
    },
    body: JSON.stringify(bodies[id]!()),
  }).then(async (response) => {
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: JSON.parse(text) as Reply['body'],
    };
  });
};

/** Asks again while a lock is waited for in vain, as 503 says to. */
const decided = async (ask: () => Promise<Reply>): Promise<number> => {
  const { status } = await ask();
  return status === 503 ? decided(ask) : status;
};
const sorted = (statuses: number[]): number[] => statuses.toSorted((a, b) => a - b);

const expectRefused = ({ status, headers, body }: Reply, max: number): void => {
  expect([status, body.code, body.max]).toEqual([429, 'daily_limit', max]);
  const midnight = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS;
  expect(Date.parse(body.resetsAt as string)).toBe(midnight);
  const wait = Number(headers.get('retry-after')) * 1_000;
  expect(Math.abs(Date.now() + wait - midnight)).toBeLessThan(60_000);
};

describe('The creation beyond the limit of the day is refused', () => {
  it('by each operation that makes something', () =>
    withinOneDay(async () => {
      expect(creating.map(({ id }) => id).sort()).toEqual(Object.keys(bodies).sort());
      await setCount(1_000);
      for (const id of Object.keys(bodies)) expectRefused(await create(id), 1_000);
      expect(await readCount()).toBe(1_000);
      const made = await api.sql('select 1 from audit_events where tenant_id = $1', [member.tenantId]);
      expect(made).toHaveLength(2);
    }));

  it('among parallel ones of every kind, at two processes, exactly one is the last', () =>
    withinOneDay(async () => {
      await setCount(997);
      const ids = Object.keys(bodies);
      const statuses = await Promise.all(
        Array.from({ length: 16 }, (_, i) =>
          decided(() => create(ids[i % ids.length]!, i % 2 ? api : second)),
        ),
      );
      expect(sorted(statuses)).toEqual([...Array<number>(3).fill(201), ...Array<number>(13).fill(429)]);
      expect(await readCount()).toBe(1_000);
    }));

  it('and what is made first on the next day is not', () =>
    withinOneDay(async () => {
      await setCount(1_000);
      expect((await create('createResource')).status).toBe(429);
      await setCount(1_000, 'creations', inDays(-1));
      expect((await create('createResource')).status).toBe(201);
      expect(await readCount()).toBe(1);
    }));

  it('and a request that began before midnight begins no day anew', () =>
    withinOneDay(async () => {
      await setCount(999, 'creations', inDays(1));
      expect((await create('createResource')).status).toBe(201);
      expect((await create('createResource')).status).toBe(429);
      const [row] = await api.sql('select day::text, count from daily_counts where tenant_id = $1', [
        member.tenantId,
      ]);
      expect(row).toEqual({ day: inDays(1).toISOString().slice(0, 10), count: 1_000 });
    }));

  it('and a counter of a day that is far ahead begins anew today', () =>
    withinOneDay(async () => {
      await setCount(1_000, 'creations', inDays(400));
      expect((await create('createResource')).status).toBe(201);
      expect(await readCount()).toBe(1);
    }));

  it('at 10,000 where the tenant pays, or where nothing is sold', () =>
    withinOneDay(async () => {
      const free = await startApi({ env: { ...BILLING, BILLING_ENABLED: 'false' }, database: api.database });
      await setCount(9_999);
      expect((await create('createResource')).status).toBe(429);
      expect((await create('createResource', free)).status).toBe(201);
      expectRefused(await create('createResource', free), 10_000);
      await free.close();
      await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
      await setCount(9_999);
      expect((await create('createResource')).status).toBe(201);
      expectRefused(await create('createResource'), 10_000);
    }));

  it('and what was refused for another reason is not counted', () =>
    withinOneDay(async () => {
      const before = await readCount();
      expect((await member.post('/agents', { name: 'twice' })).status).toBe(201);
      expect((await member.post('/agents', { name: 'twice' })).status).toBe(409);
      expect(await readCount()).toBe((before as number) + 1);
    }));
});

it('Agents leave a tenth of the day to people', () =>
  withinOneDay(async () => {
    const writer = await registerAgent(api, member, ['agents:read', 'agents:write']);
    await setCount(899);
    const make = () => writer.post(`/agents/${writer.agentId}/credentials`, {});
    expect((await make()).status).toBe(201);
    expectRefused(await make(), 900);
    expect((await create('createCredential')).status).toBe(201);
    expect(await readCount()).toBe(901);
  }));

it('At the limit of the day nothing that protects is refused', () =>
  withinOneDay(async () => {
    await setCount(1_000);
    const path = `/agents/${agent.agentId}`;
    const credential = `${path}/credentials/${agent.credentialId}`;
    const acts: [method: string, path: string, body?: object][] = [
      ['POST', `${credential}/rotate`, { overlapSeconds: 60 }],
      ['DELETE', `${credential}/previous`],
      ['DELETE', credential],
      ['PATCH', path, { description: 'changed' }],
      ['POST', `${path}/suspend`],
      ['DELETE', path],
    ];
    for (const [method, address, body] of acts) {
      const { status, text } = await member.send(method, address, body);
      expect([method, address, status]).toEqual([method, address, expect.toBeOneOf([200, 204])]);
      expect(text).not.toContain('daily_limit');
    }
    // Let through, and Temporal is away.
    expect((await member.post('/billing/checkout', {})).status).toBe(503);
  }));

it('A caller has 10,000 new keys a day', () =>
  withinOneDay(async () => {
    const writer = await registerAgent(api, member, ['agents:read', 'agents:write']);
    // Its own secret stays: a token of one that was replaced rotates nothing.
    const target = await registerAgent(api, member, ['agents:read']);
    const counter = `keys of agent:${writer.agentId}`;
    const ask = (key: string | undefined, caller: Pick<TestAgent, 'send'> = writer) =>
      caller.send(
        'POST',
        `/agents/${target.agentId}/credentials/${target.credentialId}/rotate`,
        {},
        key === undefined ? {} : { 'idempotency-key': key },
      );
    const first = await ask('first');
    expect([first.status, await readCount(counter)]).toEqual([200, 1]);
    await setCount(9_997, counter);
    const statuses = await Promise.all(
      Array.from({ length: 8 }, (_, i) => decided(() => ask(`parallel-${i}`))),
    );
    expect(sorted(statuses)).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
    expectRefused(await ask('another'), 10_000);
    expect((await ask('first')).text).toBe(first.text);
    expect((await ask(undefined)).status).toBe(200);
    expect((await ask('first', member)).status).toBe(200);
    const rows = await api.sql(`select 1 from idempotency_keys where principal = $1`, [
      `agent:${writer.agentId}`,
    ]);
    expect(rows).toHaveLength(4);
  }));

it('A caller has 10,000 new keys a day, with those that it sends for others', () =>
  withinOneDay(async () => {
    const scopes = ['agents:read', 'agents:write'];
    const [subject, actor] = [
      await registerAgent(api, member, scopes),
      await registerAgent(api, member, scopes),
    ];
    const exchanged = await actor.requestToken({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: await subject.token(),
    });
    const register = (key: string) =>
      post(
        api,
        '/agents',
        { name: `new ${++names}` },
        {
          authorization: `Bearer ${exchanged.body.access_token as string}`,
          'idempotency-key': key,
        },
      );
    const counter = `keys of agent:${actor.agentId}`;
    await setCount(9_999, counter);
    expect([(await register('last')).status, await readCount(counter)]).toEqual([201, 10_000]);
    expectRefused(await register('another'), 10_000);
    expect(await readCount(`keys of agent:${subject.agentId}`)).toBeUndefined();
  }));

it('A tenant has 50 new checkouts a day', () =>
  withinOneDay(async () => {
    await setCount(49, 'checkouts');
    const start = () => member.post('/billing/checkout', {});
    const replies = await Promise.all([start(), start(), start()]);
    // Temporal is away; the first made the row, the others went on with it.
    expect(replies.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(await readCount('checkouts')).toBe(50);
    await api.sql(`update checkouts set status = 'expired', closed_at = now() where tenant_id = $1`, [
      member.tenantId,
    ]);
    expectRefused(await start(), 50);
  }));

it('An agent that has had 1,000 credentials gets no other', () =>
  withinOneDay(async () => {
    const fill = `insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at, revoked_at)
    select tenant_id, 'crd_' || i, agent_id, secret_hash, pepper_id, created_at, now()
    from credentials, generate_series(1, 997) i where id = $1`;
    await api.sql(fill, [agent.credentialId]);
    const path = `/agents/${agent.agentId}`;
    const statuses = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        decided(() => create(i % 2 ? 'addKey' : 'createCredential', i < 2 ? api : second)),
      ),
    );
    expect(sorted(statuses)).toEqual([201, 201, 409, 409]);
    const refused = await create('createCredential');
    expect([refused.status, refused.body.code]).toEqual([409, 'credential_limit']);
    expect(refused.body.detail).toMatch(/1000 credentials in its life/);
    expect((await member.post(`${path}/credentials/${agent.credentialId}/rotate`, {})).status).toBe(200);
    expect((await member.send('DELETE', `${path}/credentials/${agent.credentialId}`)).status).toBe(204);
    expect((await member.send('DELETE', path)).status).toBe(204);
  }));

/** Why the rows that a tenant's callers cause in each table are not without end. */
const BOUNDS: Readonly<Record<string, string>> = {
  agents: 'creations of the day',
  credentials: 'creations of the day; 1,000 an agent',
  resources: 'creations of the day; 100 a tenant',
  agent_resource_grants: '100 an agent, as many as resources',
  checkouts: 'checkouts of the day',
  idempotency_keys: 'keys of the day; each lives for a day',
  daily_counts: 'one a counter: two a tenant, and one a caller that sends keys',
  stripe_customers: 'one a tenant',
  not_before_marks: 'one an agent',
  auth_failures: 'one an agent and reason',
  revoked_tokens: 'gone when the token would have expired',
  mails: 'one a notice and owner',
  credential_notices: 'one a credential',
  notices: 'one a warning threshold',
  audit_events: 'the rate limit: each entry is a request',
  assertion_uses: 'the rate limit; gone when the assertion expires',
  usage_events: 'one a process, day and metric, and one that is late',
  agent_usage: 'one an agent, day and metric',
};

it('Each table that a tenant fills has a bound that somebody thought of', async () => {
  const tables = await api.sql(
    `select relname, has_any_column_privilege('sentryagent_app', oid, 'insert') as "isFilled"
     from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  );
  const filled = tables.filter(({ isFilled }) => isFilled).map(({ relname }) => relname as string);
  expect(filled.filter((name) => !(name in BOUNDS))).toEqual([]);
  const all = tables.map(({ relname }) => relname);
  expect(Object.keys(BOUNDS).filter((name) => !all.includes(name))).toEqual([]);
});
