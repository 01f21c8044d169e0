import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/src/ports.ts';
import { until } from '../../dev/test/support/until.ts';
import { parseConfig } from '../src/config.ts';
import { probeServices, type Deps } from '../src/deps.ts';
import { createDatabase } from '../src/platform/database.ts';
import { createMetrics } from '../src/platform/metrics.ts';
import { startApi, testEnvironment } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { startApiProcess } from './support/api-process.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { NO_RATE, useCalls } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';
import { operations } from './support/operations.ts';
import { parseMetrics, sumOf } from '../../dev/test/support/read-metrics.ts';
import { createTestDatabase, dropTestDatabase } from './support/servers.ts';

const read = async ({ deps }: TestApi) => parseMetrics(await deps.metrics.registry.metrics());

const valueOf = async (api: TestApi, name: string, labels: Record<string, string> = {}) =>
  sumOf(await read(api), `agentidp_${name}`, labels);

/** By how much a series grows meanwhile. */
const growth = async (
  api: TestApi,
  [name, labels]: [name: string, labels?: Record<string, string>],
  work: () => Promise<unknown>,
): Promise<number> => {
  const before = await valueOf(api, name, labels);
  await work();
  return (await valueOf(api, name, labels)) - before;
};

describe('what callers do', () => {
  let api: TestApi;
  let member: TestMember;
  let agent: TestAgent;
  beforeAll(async () => {
    api = await startApi({ env: NO_RATE });
    member = await signUp(api);
    agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
  });
  afterAll(() => api.close());

  it('One call raises the tenant counter', async () => {
    await agent.token();
    const labels = { tenant_id: member.tenantId };
    expect(await growth(api, ['tenant_api_calls_total', labels], () => agent.get('/agents'))).toBe(1);
    // Neither a member's request nor a token request is an API call.
    const others = () => Promise.all([member.get('/agents'), agent.requestToken()]);
    expect(await growth(api, ['tenant_api_calls_total'], others)).toBe(0);
  });

  it('Token outcomes are counted apart', async () => {
    const ask = (secret: string) =>
      requestToken(api, basic(agent.clientId, secret), { grant_type: 'client_credentials' });
    const outcome = (name: string) =>
      ['tokens_issued_total', { outcome: name }] as [string, Record<string, string>];
    expect(await growth(api, outcome('success'), () => ask(agent.clientSecret))).toBe(1);
    const refused = () => ask('wrong');
    expect(await growth(api, outcome('failure'), refused)).toBe(1);
    expect(await growth(api, outcome('success'), refused)).toBe(0);
  });

  it('A registration is counted once, also if it is repeated', async () => {
    const register = () => member.send('POST', '/agents', { name: 'twice' }, { 'idempotency-key': 'one' });
    const made = ['agents_registered_total', { outcome: 'success' }] as [string, Record<string, string>];
    expect(await growth(api, made, async () => [await register(), await register()])).toBe(1);
    const failed = ['agents_registered_total', { outcome: 'failure' }] as [string, Record<string, string>];
    expect(await growth(api, failed, () => member.post('/agents', {}))).toBe(1);
  });

  it('Paths are labelled by route pattern', async () => {
    await api.sql(
      `insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
       select $1, 'agt_' || lpad(n::text, 26, '0'), 'agent ' || n, '{}', $2, now(), now() from generate_series(1, 1000) n`,
      [member.tenantId, member.userId],
    );
    const pathOf = (n: number) => `/agents/agt_${String(n).padStart(26, '0')}`;
    const readAll = async (): Promise<void> => {
      for (let from = 1; from <= 1_000; from += 20) {
        const replies = Array.from({ length: 20 }, (_, i) => member.get(pathOf(from + i)));
        for (const { status } of await Promise.all(replies)) expect(status).toBe(200);
      }
    };
    const labels = { method: 'GET', path: '/agents/:agentId', status_code: '200' };
    const series = async () =>
      (await read(api)).filter(({ name }) => name === 'agentidp_http_requests_total').length;
    await member.get(pathOf(1));
    const before = await series();
    expect(await growth(api, ['http_requests_total', labels], readAll)).toBe(1_000);
    expect(await series()).toBe(before);
    const timed = { method: 'GET', path: '/agents/:agentId' };
    expect(await valueOf(api, 'http_request_duration_seconds_count', timed)).toBeGreaterThanOrEqual(1_000);
  });

  it('a path that is no route has one label, whatever it is', async () => {
    const none = ['http_requests_total', { path: 'none', method: 'none' }] as [
      string,
      Record<string, string>,
    ];
    const strays = async () => {
      for (const path of ['/nothing', '/%', '/agents/a/b']) await call(api, path);
      await call(api, '/agents', { method: 'PROPFIND' });
    };
    expect(await growth(api, none, strays)).toBe(4);
  });

  it('Stores are measured by operation', async () => {
    await agent.token();
    const statements = ['db_query_duration_seconds_count', { operation: 'select' }] as [
      string,
      Record<string, string>,
    ];
    expect(await growth(api, statements, () => agent.get('/agents'))).toBeGreaterThan(0);
    const commands = ['redis_command_duration_seconds_count', { command: 'evalsha' }] as [
      string,
      Record<string, string>,
    ];
    expect(await growth(api, commands, () => agent.get('/agents'))).toBeGreaterThan(0);
    // The commit of the token endpoint is a statement without a transaction of knex.
    expect(await growth(api, statements, () => agent.requestToken())).toBeGreaterThan(0);
    const operationsSeen = new Set((await read(api)).map(({ labels }) => labels.operation).filter(Boolean));
    expect([...operationsSeen].every((each) => /^(select|insert|update|delete|other)$/.test(each!))).toBe(
      true,
    );
  });
});

it('Each statement is timed once', async () => {
  const database = await createTestDatabase();
  const timed: string[] = [];
  const db = createDatabase(parseConfig(testEnvironment(database)), (sql) => timed.push(sql));
  await db.acrossTenants(async () => {});
  timed.length = 0;
  await db.runAlone({ name: 'one', text: 'select 1', values: [] });
  await db.acrossTenants(async (trx) => {
    await trx.transaction((savepoint) => savepoint.raw('select 2'));
    await trx.transaction((savepoint) => savepoint.raw('select 1 / 0')).catch(() => {});
  });
  const words = timed.map((sql) => /^\w+/.exec(sql)![0].toLowerCase());
  expect(words.filter((word) => word !== 'select').sort()).toEqual([
    ...['begin', 'commit', 'release', 'rollback', 'savepoint', 'savepoint'],
  ]);
  expect(timed.filter((sql) => !sql.includes('set_config') && sql.startsWith('select'))).toEqual([
    ...['select 1', 'select 2', 'select 1 / 0'],
  ]);
  await db.close();
  await dropTestDatabase(database);
});

describe('what limits refuse', () => {
  it('A rate limited token request is counted', async () => {
    const calm = await startApi();
    const member = await signUp(calm);
    const agent = await registerAgent(calm, member);
    const api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1' }, database: calm.database });
    await agent.requestToken({}, api);
    const labels = { endpoint: '/oauth2/token', tenant_id: member.tenantId };
    const refused = async () => expect((await agent.requestToken({}, api)).status).toBe(429);
    expect(await growth(api, ['rate_limit_hits_total', labels], refused)).toBe(1);
    await api.close();
    await calm.close();
  });

  it('The unlabelled refusal counter still grows', async () => {
    const api = await startApi();
    const from = { 'x-forwarded-for': '192.0.2.7' };
    const signIn = () =>
      call(api, '/auth/sign-in', {
        method: 'POST',
        headers: { ...from, origin: api.deps.config.DASHBOARD_URL, 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'nobody@example.com', password: 'wrong' }),
      });
    let refused = 0;
    const work = async () => {
      for (let i = 0; i < 21; i++) if ((await signIn()).status === 429) refused += 1;
    };
    expect(await growth(api, ['rate_limit_rejections_total'], work)).toBe(refused);
    expect(refused).toBeGreaterThan(0);
    // Nobody knows the tenant.
    expect(
      await valueOf(api, 'rate_limit_hits_total', { endpoint: '/auth/sign-in', tenant_id: 'none' }),
    ).toBe(refused);
    await api.close();
  });

  it('An agent limit refusal is counted; A call limit refusal is counted', () =>
    onOneDay(async () => {
      const api = await startApi({ env: NO_RATE });
      const member = await signUp(api);
      const agent = await registerAgent(api, member, ['agents:read']);
      for (let i = 2; i <= 10; i++) await member.post('/agents', { name: `agent ${i}` });
      const labels = (kind: string) => ({ tenant_id: member.tenantId, limit_type: kind });
      const eleventh = async () =>
        expect((await member.post('/agents', { name: 'one more' })).status).toBe(429);
      expect(await growth(api, ['billing_limit_rejections_total', labels('agents')], eleventh)).toBe(1);
      await agent.token();
      await useCalls(api, member.tenantId, 1_000);
      const over = async () => expect((await agent.get('/agents')).status).toBe(429);
      expect(await growth(api, ['billing_limit_rejections_total', labels('api_calls')], over)).toBe(1);
      await member.send('PATCH', `/agents/${agent.agentId}`, { callCap: { max: 1, mode: 'enforce' } });
      await until('the cap is known', () => api.deps.callCaps.get(agent.agentId) === 1);
      await api.sql(
        `insert into agent_calls values ($1, (now() at time zone 'UTC')::date, $2, 'earlier', 1)`,
        [member.tenantId, agent.agentId],
      );
      expect(await growth(api, ['billing_limit_rejections_total', labels('agent_cap')], over)).toBe(1);
      expect(await valueOf(api, 'tenant_api_calls_total')).toBe(0);
      expect(await valueOf(api, 'rate_limit_rejections_total')).toBe(0);
      await api.close();
    }));
});

describe('the pool', () => {
  /** The gauges while so many hold a connection or wait for one. */
  const connectionsOf = async (most: string, held: number) => {
    const database = await createTestDatabase();
    const config = parseConfig({ ...testEnvironment(database), DB_POOL_MAX: most });
    const metrics = createMetrics(config);
    const db = createDatabase(config);
    probeServices({ db, metrics } as Deps);
    const { promise, resolve } = Promise.withResolvers<void>();
    const taken: unknown[] = [];
    const work = Array.from({ length: held }, () => db.acrossTenants(async () => (taken.push(1), promise)));
    await until('the connections are taken', () => taken.length === Math.min(held, Number(most)));
    const samples = parseMetrics(await metrics.registry.metrics());
    resolve();
    await Promise.all(work);
    await db.close();
    await dropTestDatabase(database);
    return ['active_connections', 'waiting_requests'].map((name) =>
      sumOf(samples, `agentidp_db_pool_${name}`),
    );
  };

  it('Active connections read 15 of 20', async () => {
    expect(await connectionsOf('20', 15)).toEqual([15, 0]);
  });

  it('Waiting requests read two', async () => {
    expect(await connectionsOf('4', 6)).toEqual([4, 2]);
  });
});

it('Series do not grow with tenants', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 100 });
  const endpoints = operations.map(({ path }) => path);
  for (let i = 0; i < 10_000; i++) {
    metrics.apiCall(`ten_${i}`);
    for (const limit of ['agents', 'api_calls']) metrics.overQuota(`ten_${i}`, limit);
    for (const endpoint of endpoints) metrics.rateLimited(endpoint, `ten_${i % 500}`);
  }
  for (const { method, path } of operations)
    for (const status of [200, 201, 204, 400, 401, 403, 404, 409, 415, 429, 500, 503])
      metrics.request({ method: method.toUpperCase(), path }, status, 1);
  for (const word of ['select', 'insert', 'update', 'delete', 'lock']) metrics.query(word, 1);
  for (let i = 0; i < 100; i++) metrics.command(`command-${i}`, 1);
  const series = parseMetrics(await metrics.registry.metrics()).length;
  expect(series).toBeGreaterThan(1_000);
  expect(series).toBeLessThanOrEqual(5_000);
});

it('Metrics are not on the public port', async () => {
  const database = await createTestDatabase();
  const port = String(await freePort());
  const api = await startApiProcess(database, { METRICS_PORT: port });
  expect((await fetch(`${api.url}/metrics`)).status).toBe(404);
  const own = `http://127.0.0.1:${port}`;
  const reply = await fetch(`${own}/metrics`);
  expect([reply.status, reply.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const samples = parseMetrics(await reply.text());
  expect(sumOf(samples, 'agentidp_dependency_healthy', { dependency: 'database' })).toBe(1);
  expect(sumOf(samples, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  expect(samples.filter(({ labels }) => labels.dependency === 'stripe')).toEqual([]);
  expect((await fetch(`${own}/health`)).status).toBe(404);
  expect(await api.end('SIGTERM')).toBe(0);
  await dropTestDatabase(database);
});
