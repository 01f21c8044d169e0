import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';

const NO_RATE = { RATE_LIMIT_MAX_REQUESTS: '1000000' };

interface Metric {
  today: number;
  period: number;
  limit: number | null;
  resetsAt: string | null;
}

const usageOf = async (member: TestMember) => {
  const { status, body } = await member.get('/billing/usage');
  expect(status).toBe(200);
  return body as {
    tier: string;
    warning: boolean;
    upgradeUrl: string | null;
    metrics: Record<string, Metric>;
  };
};

const callsOf = async (member: TestMember): Promise<number> =>
  (await usageOf(member)).metrics.api_calls!.today;

/** What the ledger holds of a tenant's calls, summed over processes. */
const ledgerOf = async (api: TestApi, tenantId: string): Promise<number> => {
  const [row] = await api.sql(
    `select coalesce(sum(count), 0)::int as total from usage_events where tenant_id = $1 and metric = 'api_calls'`,
    [tenantId],
  );
  return row!.total as number;
};

/** Calls that were let through, of so many sent at once in waves. */
const sendCalls = async (apis: TestApi[], token: string, total: number, width: number): Promise<number> => {
  let served = 0;
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < total) {
      const api = apis[sent++ % apis.length]!;
      const { status } = await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
      if (status === 200) served += 1;
      else expect(status).toBe(429);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return served;
};

describe('what is counted', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ env: NO_RATE });
  });
  afterAll(() => api.close());

  it('Bearer call raises the tenant’s daily count', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    expect((await usageOf(member)).metrics).toMatchObject({
      api_calls: { today: 1, period: 1, limit: 1000 },
      active_agents: { today: 1, period: 1, limit: 10, resetsAt: null },
      token_issuances: { today: 1, period: 1, limit: null, resetsAt: null },
    });
  });

  it('counts a valid token’s call whatever is answered, and none of what was refused or is no call', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents/agt_unknown')).status).toBe(404);
    expect((await agent.post('/agents', { name: 'x' })).status).toBe(403);
    expect(await callsOf(member)).toBe(2);
    expect((await call(api, '/agents', { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);
    expect((await agent.requestToken()).status).toBe(200);
    expect((await member.get('/agents')).status).toBe(200);
    expect(await callsOf(member)).toBe(2);
  });

  it('tells a member’s console requests apart from usage', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 5; i++) await member.get('/agents');
    expect(await callsOf(member)).toBe(0);
  });

  it('flushes absolute totals: a repeated flush changes nothing', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    for (let i = 0; i < 7; i++) await agent.get('/agents');
    await api.deps.meter.flush();
    await api.deps.meter.flush();
    expect(await ledgerOf(api, member.tenantId)).toBe(7);
    await agent.get('/agents');
    await api.deps.meter.flush();
    expect(await ledgerOf(api, member.tenantId)).toBe(8);
    expect(await callsOf(member)).toBe(8);
  });

  it('counts each token with its audit entry, in the same commit', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    await Promise.all(Array.from({ length: 40 }, () => agent.token()));
    const [row] = await api.sql(
      `select (select count from usage_events where tenant_id = $1 and metric = 'token_issuances')::int as counted,
              (select count(*) from audit_events where tenant_id = $1 and action = 'token.issued')::int as logged`,
      [member.tenantId],
    );
    expect(row).toEqual({ counted: 40, logged: 40 });
  });

  it('shows the period’s earlier days beside today', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    await agent.get('/agents');
    const firstOfMonth = `${new Date().toISOString().slice(0, 8)}01`;
    const isFirst = firstOfMonth === new Date().toISOString().slice(0, 10);
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count) values
         ($1, $2, 'api_calls', 'earlier', 30), ($1, ($2::date - 1), 'api_calls', 'earlier', 500)`,
      [member.tenantId, firstOfMonth],
    );
    const { api_calls: calls } = (await usageOf(member)).metrics;
    expect(calls!.period).toBe(isFirst ? calls!.today : 31);
  });
});

describe('the free tier’s limits', () => {
  it('refuses the 11th agent with 429, also when they come at once', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, i) => member.post('/agents', { name: `agent ${i}` })),
    );
    const refused = replies.filter(({ status }) => status === 429);
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(refused).toHaveLength(6);
    expect(refused[0]!.body).toMatchObject({
      error: 'free_tier_limit',
      code: 'free_tier_limit',
      limit: 'agents',
      max: 10,
      used: 10,
      resetsAt: null,
      upgradeUrl: 'http://dashboard.test/pricing',
    });
    expect(refused[0]!.headers.get('retry-after')).toBeNull();
    expect((await usageOf(member)).metrics.active_agents!.today).toBe(10);
    await api.close();
  });

  it('serves exactly 1,000 calls of a day over two processes, and says when it opens anew', async () => {
    const first = await startApi({ env: NO_RATE });
    const second = await startApi({ env: NO_RATE, database: first.database });
    const member = await signUp(first);
    const agent = await registerAgent(first, member, ['agents:read', 'billing:read']);
    const token = await agent.token();
    expect(await sendCalls([first, second], token, 1_100, 64)).toBe(1_000);

    const refused = await call(second, '/agents', { headers: { authorization: `Bearer ${token}` } });
    const midnight = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000);
    expect(refused.body).toMatchObject({
      error: 'free_tier_limit',
      limit: 'api_calls',
      max: 1_000,
      used: 1_000,
      resetsAt: midnight.toISOString(),
      upgradeUrl: 'http://dashboard.test/pricing',
    });
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(Math.abs(retryAfter - (midnight.getTime() - Date.now()) / 1_000)).toBeLessThan(5);
    expect(refused.headers.get('ratelimit')).toContain('"day";r=0');

    const billing = await call(first, '/billing/usage', { headers: { authorization: `Bearer ${token}` } });
    expect(billing.status).toBe(200);
    expect((await agent.requestToken()).status).toBe(200);
    expect((await usageOf(member)).warning).toBe(true);
    await first.deps.meter.flush();
    expect(await ledgerOf(first, member.tenantId)).toBe(1_001);
    await second.close();
    await first.close();
  });

  it.each([
    [799, false],
    [800, true],
  ])('at %i calls the warning is %s', async (count, warning) => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', $2)`,
      [member.tenantId, count],
    );
    expect(await usageOf(member)).toMatchObject({ warning, metrics: { api_calls: { today: count } } });
    await api.close();
  });

  it('serves a paid tenant over both limits', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', 5000)`,
      [member.tenantId],
    );
    for (let i = 0; i < 11; i++)
      expect((await member.post('/agents', { name: `agent ${i}` })).status).toBe(201);
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    expect(await usageOf(member)).toMatchObject({ tier: 'paid', warning: false, upgradeUrl: null });
    await api.close();
  });

  it('with BILLING_ENABLED=false counts and refuses nothing', async () => {
    const api = await startApi({ env: { ...NO_RATE, BILLING_ENABLED: 'false' } });
    const member = await signUp(api);
    for (let i = 0; i < 11; i++)
      expect((await member.post('/agents', { name: `agent ${i}` })).status).toBe(201);
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', 1000)`,
      [member.tenantId],
    );
    const agent = await registerAgent(api, member);
    expect((await agent.get('/agents')).status).toBe(200);
    expect(await callsOf(member)).toBe(1_001);
    await api.close();
  });
});

describe('the rate limit', () => {
  it('is one count for two processes, and a refused call is not usage', async () => {
    const env = { RATE_LIMIT_MAX_REQUESTS: '10', RATE_LIMIT_WINDOW_MS: '600000' };
    const first = await startApi({ env });
    const second = await startApi({ env, database: first.database });
    const member = await signUp(first);
    const agent = await registerAgent(first, member);
    const token = await agent.token();
    expect(await sendCalls([first, second], token, 30, 6)).toBe(10);
    const refused = await call(second, '/agents', { headers: { authorization: `Bearer ${token}` } });
    expect(refused.body).toMatchObject({ code: 'rate_limited', error: 'rate_limited' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-policy')).toContain('"window";q=10;w=600');
    await first.deps.meter.flush();
    expect(await ledgerOf(first, member.tenantId)).toBe(10);
    await second.close();
    await first.close();
  });

  it('opens again as the window slides', async () => {
    const api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '4', RATE_LIMIT_WINDOW_MS: '1000' } });
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const token = await agent.token();
    await wait(2_100);
    expect(await sendCalls([api], token, 12, 1)).toBeGreaterThanOrEqual(4);
    await wait(2_100);
    expect(await sendCalls([api], token, 4, 1)).toBe(4);
    await api.close();
  });

  it('limits the token endpoint per client', async () => {
    const api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '5', RATE_LIMIT_WINDOW_MS: '600000' } });
    const member = await signUp(api);
    const [agent, other] = [await registerAgent(api, member), await registerAgent(api, member)];
    for (let i = 0; i < 5; i++) expect((await agent.requestToken()).status).toBe(200);
    const refused = await agent.requestToken();
    expect([refused.status, refused.body.error]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await other.requestToken()).status).toBe(200);
    await api.close();
  });
});

describe('when Redis is away', () => {
  it('that lost its data is raised again by its callers and by the ledger', async () => {
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
    await api.sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', 980)`,
      [member.tenantId],
    );
    const agent = await registerAgent(api, member);
    expect(await sendCalls([api], await agent.token(), 60, 16)).toBe(20);
    expect(await callsOf(member)).toBe(1_000);
    await wait(1_500);
    expect(await ledgerOf(api, member.tenantId)).toBe(1_000);
    await api.close();
  });

  it('goes on when it cannot be reached, says so once, and needs no restart to come back', async () => {
    const api = await startApi({ env: NO_RATE });
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const token = await agent.token();
    expect(await sendCalls([api], token, 10, 2)).toBe(10);
    const admin = api.deps.redis!.duplicate({ commandTimeout: undefined });
    await new Promise((resolve) => admin.once('ready', resolve));
    await admin.call('CLIENT', 'PAUSE', '1500', 'ALL');
    expect(await sendCalls([api], token, 10, 2)).toBe(10);
    await wait(2_500);
    expect(await sendCalls([api], token, 10, 2)).toBe(10);
    expect(await callsOf(member)).toBe(30);
    await api.deps.meter.flush();
    expect(await ledgerOf(api, member.tenantId)).toBe(30);
    const warnings = api.logs.filter(({ msg }) => msg === 'redis does not answer: limits are kept in memory');
    expect(warnings).toHaveLength(1);
    admin.disconnect();
    await api.close();
  });
});

it('rejects a token of a tenant that does not exist without a 500', async () => {
  const api = await startApi({ env: NO_RATE });
  const now = Math.floor(Date.now() / 1_000);
  const token = await signAccessToken(api.deps.signingKeys, {
    iss: 'http://api.test',
    aud: 'http://api.test',
    sub: 'agt_x',
    client_id: 'agt_x',
    tenant_id: 'ten_gone',
    scope: 'agents:read',
    jti: 'evt_x',
    iat: now,
    exp: now + 60,
  });
  const reply = await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
  expect(reply.status).toBe(401);
  await api.close();
});
