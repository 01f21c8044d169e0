import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import { createRecorder } from '../src/services/usage/record-totals.ts';
import { IMPATIENT, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, insist, post, registerAgent, signUp } from './support/callers.ts';
import { createDatabaseWithClock } from './support/database-clock.ts';
import { NO_RATE, callsOf, ledgerOf, sendCalls, useCalls, usageOf } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';
import { dropTestDatabase } from './support/servers.ts';
import { passTime, restoreTime } from './support/time.ts';
import { startRedisServer } from './support/redis-server.ts';
import { until } from '../../dev/test/support/until.ts';

afterAll(restoreTime);

describe('what is counted', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ env: NO_RATE });
  });
  afterAll(() => api.close());

  it('A Bearer request adds one API call', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    expect(await callsOf(member)).toBe(1);
  });

  it('A call answered 404 is usage, and so is one without the scope', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents/agt_unknown')).status).toBe(404);
    expect(await callsOf(member)).toBe(1);
    expect((await agent.post('/agents', { name: 'x' })).status).toBe(403);
    expect(await callsOf(member)).toBe(2);
  });

  it('Console requests of members are not metered', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 5; i++) await member.get('/agents');
    expect(await callsOf(member)).toBe(0);
  });

  it('Token requests are not API calls', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    expect((await agent.requestToken()).status).toBe(200);
    expect((await usageOf(member)).metrics).toMatchObject({
      token_issuances: { today: 1 },
      api_calls: { today: 0 },
    });
  });

  it('A token commits with its audit entry', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    await Promise.all(Array.from({ length: 100 }, () => agent.token()));
    const [row] = await api.sql(
      `select (select count from usage_events where tenant_id = $1 and metric = 'token_issuances')::int as counted,
              (select sum(count) from agent_usage where tenant_id = $1 and agent_id = $2)::int as "ofAgent",
              (select count(*) from audit_events where tenant_id = $1 and action = 'token.issued')::int as logged`,
      [member.tenantId, agent.agentId],
    );
    expect(row).toEqual({ counted: 100, ofAgent: 100, logged: 100 });
  });

  it('Active agents are counted live', async () => {
    const member = await signUp(api);
    for (let i = 1; i <= 3; i++) {
      await registerAgent(api, member);
      expect((await usageOf(member)).metrics.active_agents!.today).toBe(i);
    }
  });

  it('Suspended agents are active agents', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 10; i++) {
      const { body } = await member.post('/agents', { name: `agent ${i}` });
      if (i < 4)
        expect((await member.post(`/agents/${body.agentId as string}/suspend`, {})).status).toBe(200);
    }
    expect((await usageOf(member)).metrics.active_agents!.today).toBe(10);
    expect((await member.post('/agents', { name: 'agent 10' })).body).toMatchObject({
      limit: 'agents',
      used: 10,
    });
  });
});

describe('GET /billing/usage', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ env: NO_RATE });
  });
  afterAll(() => api.close());

  it('Usage answers every metric with its limit', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    expect(await usageOf(member)).toMatchObject({
      tier: 'free',
      status: 'active',
      renewsAt: null,
      endsAt: null,
      upgradeUrl: 'http://dashboard.test/pricing',
      warning: false,
      metrics: {
        api_calls: { today: 1, period: 1, limit: 1_000, resetsAt: expect.any(String) },
        active_agents: { today: 1, period: 1, limit: 10, resetsAt: null },
        token_issuances: { today: 1, period: 1, limit: null, resetsAt: null },
      },
    });
  });

  it('Usage needs a sign-in or its scope', async () => {
    const member = await signUp(api);
    expect((await call(api, '/billing/usage')).status).toBe(401);
    expect((await (await registerAgent(api, member)).get('/billing/usage')).status).toBe(403);
    expect((await (await registerAgent(api, member, ['billing:read'])).get('/billing/usage')).status).toBe(
      200,
    );
  });

  it('shows the period’s earlier days beside today', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    await agent.get('/agents');
    const today = new Date().toISOString().slice(0, 10);
    const first = `${today.slice(0, 8)}01`;
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count) values
         ($1, $2, 'api_calls', 'earlier', 30), ($1, ($2::date - 1), 'api_calls', 'earlier', 500)`,
      [member.tenantId, first],
    );
    const { api_calls: calls } = (await usageOf(member)).metrics;
    expect(calls!.period).toBe(first === today ? calls!.today : 31);
  });

  it('A free period is the calendar month', async () => {
    const { database } = await createDatabaseWithClock('2028-02-28T12:00:00Z');
    const leap = await startApi({ env: NO_RATE, database });
    const member = await signUp(leap);
    const { body } = await member.get('/billing/usage');
    expect(body).toMatchObject({
      day: '2028-02-28',
      period: { start: '2028-02-01T00:00:00.000Z', end: '2028-03-01T00:00:00.000Z' },
    });
    await leap.close();
    await dropTestDatabase(database);
  });
});

it('A paid period is the Stripe period', async () => {
  const { database } = await createDatabaseWithClock('2028-03-04T12:00:00Z');
  const api = await startApi({ env: NO_RATE, database });
  const member = await signUp(api);
  await api.sql(
    `update tenant_subscriptions set tier = 'paid', subscription_id = 'sub_1',
       period_start = '2028-02-17T09:30:00Z', period_end = '2028-03-17T09:30:00Z' where tenant_id = $1`,
    [member.tenantId],
  );
  await api.sql(
    `insert into usage_events (tenant_id, day, metric, source, count) values
       ($1, '2028-02-16', 'api_calls', 'earlier', 500), ($1, '2028-02-16', 'token_issuances', 'ledger', 70),
       ($1, '2028-02-17', 'api_calls', 'earlier', 30), ($1, '2028-02-17', 'token_issuances', 'ledger', 2),
       ($1, '2028-03-03', 'api_calls', 'earlier', 4), ($1, '2028-03-03', 'token_issuances', 'ledger', 1)`,
    [member.tenantId],
  );
  expect((await member.get('/billing/usage')).body).toMatchObject({
    period: { start: '2028-02-17T09:30:00.000Z', end: '2028-03-17T09:30:00.000Z' },
    metrics: { api_calls: { period: 34 }, token_issuances: { period: 3 } },
  });
  await api.close();
  await dropTestDatabase(database);
});

describe('the flush', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ env: NO_RATE });
  });
  afterAll(() => api.close());

  it('Counts are flushed every 60 seconds: by default, and as often as is set', async () => {
    expect(api.deps.config.USAGE_FLUSH_INTERVAL_MS).toBe(60_000);
    const often = await startApi({
      env: { ...NO_RATE, USAGE_FLUSH_INTERVAL_MS: '300' },
      database: api.database,
    });
    const member = await signUp(often);
    const agent = await registerAgent(often, member);
    for (let i = 0; i < 7; i++) await agent.get('/agents');
    await until('the counts are flushed', async () => (await ledgerOf(api, member.tenantId)) === 7);
    await often.close();
  });

  it('A repeated flush changes nothing', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    for (let i = 0; i < 7; i++) await agent.get('/agents');
    await api.deps.meter.flush();
    const rows = () =>
      api.sql('select source, count, updated_at from usage_events where tenant_id = $1', [member.tenantId]);
    const before = await rows();
    await api.deps.meter.flush();
    expect(await rows()).toEqual(before);
    expect(await ledgerOf(api, member.tenantId)).toBe(7);
    await agent.get('/agents');
    await api.deps.meter.flush();
    expect(await ledgerOf(api, member.tenantId)).toBe(8);
  });

  it('Flushed calls are shown once', async () => {
    for (const redis of ['true', 'false']) {
      const one = await startApi({
        env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: redis },
        database: api.database,
      });
      const member = await signUp(one);
      expect(await sendCalls([one], await (await registerAgent(one, member)).token(), 7, 1)).toBe(7);
      await one.deps.meter.flush();
      expect(await ledgerOf(one, member.tenantId)).toBe(7);
      // What this process remembers of Postgres is a second old at most.
      passTime(1_001);
      expect((await usageOf(member)).metrics.api_calls).toMatchObject({ today: 7, period: 7 });
      await one.close();
    }
  });

  it('A late flush lowers no total', async () => {
    const { tenantId } = await signUp(api);
    const total = { tenantId, day: 20_000, source: 'api_late' };
    const record = createRecorder(api.deps.logger);
    for (const count of [7, 5])
      await api.deps.db.acrossTenants((trx) => record(trx, [{ ...total, count }], false));
    expect(await ledgerOf(api, tenantId)).toBe(7);
  });
});

describe('the free tier’s limits', () => {
  it('The eleventh agent is refused with 429', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    for (let i = 0; i < 10; i++)
      expect((await member.post('/agents', { name: `agent ${i}` })).status).toBe(201);
    const refused = await member.post('/agents', { name: 'agent 10' });
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      error: 'free_tier_limit',
      code: 'free_tier_limit',
      limit: 'agents',
      max: 10,
      used: 10,
      resetsAt: null,
      upgradeUrl: 'http://dashboard.test/pricing',
    });
    expect(refused.headers.get('retry-after')).toBeNull();
    await api.close();
  });

  it('Parallel registrations stop exactly at ten', async () => {
    const first = await startApi({ env: NO_RATE });
    const second = await startApi({ env: NO_RATE, database: first.database });
    const member = await signUp(first);
    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        insist(() =>
          post(i % 2 ? first : second, '/agents', { name: `agent ${i}` }, { cookie: member.cookie }),
        ),
      ),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(54);
    expect((await usageOf(member)).metrics.active_agents!.today).toBe(10);
    await second.close();
    await first.close();
  });

  it('The call after one thousand is refused, and Refused calls say when they reset', async () => {
    const first = await startApi({ env: NO_RATE });
    const second = await startApi({ env: NO_RATE, database: first.database });
    await onOneDay(async () => {
      const member = await signUp(first);
      const agent = await registerAgent(first, member, ['agents:read', 'billing:read']);
      const token = await agent.token();
      expect(await sendCalls([first, second], token, 1_100, 64)).toBe(1_000);

      const refused = await call(second, '/agents', { headers: { authorization: `Bearer ${token}` } });
      const midnight = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000);
      expect(refused.status).toBe(429);
      expect(refused.body).toMatchObject({
        error: 'free_tier_limit',
        limit: 'api_calls',
        max: 1_000,
        used: 1_000,
        resetsAt: midnight.toISOString(),
        upgradeUrl: 'http://dashboard.test/pricing',
      });
      const retryAfter = Number(refused.headers.get('retry-after'));
      expect(Math.abs(retryAfter - (midnight.getTime() - Date.now()) / 1_000)).toBeLessThan(60);
      expect(refused.headers.get('ratelimit')).toContain('"day";r=0');
    });
    await second.close();
    await first.close();
  });

  it('Billing routes are served beyond the limit, and Tokens are issued beyond the call limit', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    await useCalls(api, member.tenantId, 1_000);
    const agent = await registerAgent(api, member, ['agents:read', 'billing:read']);
    expect((await agent.requestToken()).status).toBe(200);
    expect((await agent.get('/agents')).status).toBe(429);
    const billing = await agent.get('/billing/usage');
    expect(billing.status).toBe(200);
    expect(billing.body).toMatchObject({
      warning: true,
      metrics: { api_calls: { today: 1_001, limit: 1_000 } },
    });
    expect((await agent.get('/billing/usage/report')).status).toBe(200);
    await api.close();
  });

  it.each([
    [799, false],
    [800, true],
  ])('at %i calls the warning is %s', async (count, warning) => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    await useCalls(api, member.tenantId, count);
    expect(await usageOf(member)).toMatchObject({ warning, metrics: { api_calls: { today: count } } });
    await api.close();
  });

  it('Paid tenant is served beyond the thresholds', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
    await useCalls(api, member.tenantId, 1_000);
    for (let i = 0; i < 10; i++)
      expect((await member.post('/agents', { name: `agent ${i}` })).status).toBe(201);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    expect(await usageOf(member)).toMatchObject({
      tier: 'paid',
      warning: false,
      upgradeUrl: null,
      metrics: { api_calls: { today: 1_001, limit: null }, active_agents: { today: 11, limit: null } },
    });
    await api.close();
  });

  it('Billing switched off meters without refusing', async () => {
    const api = await startApi({ env: { ...NO_RATE, BILLING_ENABLED: 'false' } });
    const member = await signUp(api);
    await useCalls(api, member.tenantId, 1_000);
    for (let i = 0; i < 10; i++)
      expect((await member.post('/agents', { name: `agent ${i}` })).status).toBe(201);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    const { metrics } = await usageOf(member);
    expect([metrics.api_calls!.today, metrics.active_agents!.today]).toEqual([1_001, 11]);
    await api.close();
  });

  it('Midnight opens a new daily window', async () => {
    const clock = await createDatabaseWithClock('2028-02-28T23:58:00Z');
    const { database } = clock;
    const api = await startApi({ env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: 'false' }, database });
    const member = await signUp(api);
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count) values ($1, '2028-02-28', 'api_calls', 'earlier', 999)`,
      [member.tenantId],
    );
    const agent = await registerAgent(api, member);
    await clock.set('2028-02-28T23:59:59Z');
    passTime(1_001);
    expect((await agent.get('/agents')).status).toBe(200);
    const refused = await agent.get('/agents');
    expect(refused.body).toMatchObject({ code: 'free_tier_limit', used: 1_000 });
    // A refused call resets by the clock that refused it: here that of Postgres.
    expect([refused.body.resetsAt, refused.headers.get('retry-after')]).toEqual([
      '2028-02-29T00:00:00.000Z',
      '1',
    ]);
    await clock.set('2028-02-29T00:00:01Z');
    passTime(1_001);
    expect((await agent.get('/agents')).status).toBe(200);
    const { day, metrics } = await usageOf(member);
    expect([day, metrics.api_calls]).toMatchObject(['2028-02-29', { today: 1, limit: 1_000 }]);
    await api.deps.meter.flush();
    const days = await api.sql(
      `select day::text, sum(count)::int as calls from usage_events where tenant_id = $1 and metric = 'api_calls'
       group by day order by day`,
      [member.tenantId],
    );
    expect(days).toEqual([
      { day: '2028-02-28', calls: 1_000 },
      { day: '2028-02-29', calls: 1 },
    ]);
    await api.close();
    await dropTestDatabase(database);
  });

  it('Refused calls are not usage', async () => {
    const env = { RATE_LIMIT_MAX_REQUESTS: '3', RATE_LIMIT_WINDOW_MS: '600000' };
    const api = await startApi({ env });
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    for (let i = 0; i < 3; i++) expect((await agent.get('/agents')).status).toBe(200);
    expect((await agent.get('/agents')).body.code).toBe('rate_limited');
    expect((await call(api, '/agents', { headers: { authorization: 'Bearer expired' } })).status).toBe(401);
    await api.deps.meter.flush();
    expect(await ledgerOf(api, member.tenantId)).toBe(3);

    const other = await signUp(api);
    await useCalls(api, other.tenantId, 1_000);
    expect((await (await registerAgent(api, other)).get('/agents')).body.code).toBe('free_tier_limit');
    await api.deps.meter.flush();
    expect(await ledgerOf(api, other.tenantId)).toBe(1_000);
    await api.close();
  });
});

describe.each([
  ['Pacific/Kiritimati', '2028-02-29T23:30:00.000Z', '2028-02-01', '2028-03-01', 1 + 30 + 500],
  ['America/Los_Angeles', '2028-03-01T00:30:00.000Z', '2028-03-01', '2028-04-01', 1],
])('a server in %s', (zone, instant, start, end, period) => {
  const before = process.env.TZ;
  beforeAll(() => {
    process.env.TZ = zone;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });

  it('A day is a UTC day in every time zone', async () => {
    expect(new Date(instant).getDate()).not.toBe(new Date(instant).getUTCDate());
    const { database } = await createDatabaseWithClock(instant);
    const api = await startApi({ env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: 'false' }, database });
    const member = await signUp(api);
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count) values
         ($1, '2028-02-01', 'api_calls', 'earlier', 30), ($1, '2028-02-28', 'api_calls', 'earlier', 500)`,
      [member.tenantId],
    );
    expect(await sendCalls([api], await (await registerAgent(api, member)).token(), 1, 1)).toBe(1);
    await api.deps.meter.flush();
    const day = instant.slice(0, 10);
    const midnight = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString();
    expect(await usageOf(member)).toMatchObject({
      day,
      period: { start: `${start}T00:00:00.000Z`, end: `${end}T00:00:00.000Z` },
      metrics: { api_calls: { today: 1, period, resetsAt: midnight } },
    });
    expect(
      await api.sql(
        `select day::text, count::int from usage_events
         where tenant_id = $1 and metric = 'api_calls' and source <> 'earlier'`,
        [member.tenantId],
      ),
    ).toEqual([{ day, count: 1 }]);
    await api.close();
    await dropTestDatabase(database);
  });
});

describe('when Postgres takes or gives no count', () => {
  it('a count that could not be written is written later', async () => {
    const api = await startApi({ env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: 'false' } });
    const member = await signUp(api);
    const token = await (await registerAgent(api, member)).token();
    await api.sql('alter function record_usage(jsonb) rename to record_usage_away');
    expect(await sendCalls([api], token, 7, 1)).toBe(7);
    await api.deps.meter.flush().catch(() => undefined);
    expect(await ledgerOf(api, member.tenantId)).toBe(0);
    await api.sql('alter function record_usage_away(jsonb) rename to record_usage');
    await expect.poll(() => ledgerOf(api, member.tenantId), { interval: 100 }).toBe(7);
    await api.close();
  });

  it('a tenant’s first call is refused, not counted from zero', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    await useCalls(api, member.tenantId, 998);
    const token = await (await registerAgent(api, member)).token();
    const use = async () =>
      (await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } })).status;
    await api.sql('alter table usage_events rename to usage_events_away');
    expect(await use()).toBe(503);
    await api.sql('alter table usage_events_away rename to usage_events');
    const statuses = [await use(), await use(), await use()];
    expect(statuses).toEqual([200, 200, 429]);
    await api.close();
  });
});

describe('when Redis is away', () => {
  it('A flushed Redis keeps the limit within 1010: its callers and the ledger raise it again', async () => {
    const first = await startApi({ env: NO_RATE });
    const second = await startApi({ env: NO_RATE, database: first.database });
    const member = await signUp(first);
    const agent = await registerAgent(first, member);
    const token = await agent.token();
    expect(await sendCalls([first, second], token, 500, 16)).toBe(500);
    await first.deps.redis!.flushdb();
    const after = await sendCalls([first, second], token, 700, 16);
    expect(500 + after).toBeGreaterThanOrEqual(1_000);
    expect(500 + after).toBeLessThanOrEqual(1_010);
    await second.close();
    await first.close();
  });

  it('a process that died before its flush loses nothing that Redis holds', async () => {
    const first = await startApi({ env: NO_RATE });
    const second = await startApi({ env: NO_RATE, database: first.database });
    const member = await signUp(first);
    const agent = await registerAgent(first, member);
    expect(await sendCalls([second], await agent.token(), 20, 4)).toBe(20);
    await first.deps.meter.flush();
    expect(await ledgerOf(first, member.tenantId)).toBe(20);
    await second.close();
    await first.close();
  });

  it('limits and counts in memory, exactly, and writes the count within seconds', async () => {
    const api = await startApi({ env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: 'false' } });
    expect(api.deps.redis).toBeUndefined();
    const member = await signUp(api);
    await useCalls(api, member.tenantId, 980);
    const agent = await registerAgent(api, member);
    expect(await sendCalls([api], await agent.token(), 60, 16)).toBe(20);
    expect(await callsOf(member)).toBe(1_000);
    await until('the count is written', async () => (await ledgerOf(api, member.tenantId)) === 1_000);
    await api.close();
  });

  it('goes on when it cannot be reached, says so once, and needs no restart to come back', async () => {
    // Of its own: other tests share the run's, and would count in memory meanwhile.
    const server = await startRedisServer();
    const api = await startApi({ env: { ...NO_RATE, ...IMPATIENT, REDIS_URL: server.url } });
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const token = await agent.token();
    expect(await sendCalls([api], token, 10, 2)).toBe(10);
    await server.call('CLIENT', 'PAUSE', '1500', 'ALL');
    expect(await sendCalls([api], token, 10, 2)).toBe(10);
    const logged = (text: string) => api.logs.filter(({ msg }) => msg === text);
    await until(
      'redis is back',
      () => logged('redis is available again; limits are counted in Redis').length > 0,
    );
    expect(await sendCalls([api], token, 10, 2)).toBe(10);
    expect(await callsOf(member)).toBe(30);
    await api.deps.meter.flush();
    expect(await ledgerOf(api, member.tenantId)).toBe(30);
    expect(logged('redis does not answer; limits are counted in memory')).toHaveLength(1);
    await api.close();
    await server.close();
  });
});

it('rejects a token of a tenant that does not exist without a 500', async () => {
  const api = await startApi({ env: NO_RATE });
  const now = Math.floor(Date.now() / 1_000);
  const token = signAccessToken(api.deps.signingKeys, {
    iss: 'http://api.test',
    aud: 'http://api.test',
    sub: 'agt_x',
    client_id: 'agt_x',
    tenant_id: 'ten_gone',
    credential_id: 'crd_x',
    credential_generation: 0,
    scope: 'agents:read',
    jti: 'evt_x',
    iat: now,
    exp: now + 60,
  });
  const reply = await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
  expect(reply.status).toBe(401);
  await api.close();
});
