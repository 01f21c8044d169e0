import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epochDay } from '@sentryagent/workflows/rules/period';
import { until } from '../../dev/test/support/until.ts';
import { settleUsage } from '../src/services/usage/settle-usage.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, registerAgent, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { NO_RATE, callsOf, sendCalls, useCalls } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';

interface AgentRow {
  day: string | null;
  agentId: string;
  callCap: Json | null;
  callsToday: number | null;
  metrics: { api_calls: number };
}

let first: TestApi;
let second: TestApi;
beforeAll(async () => {
  first = await startApi({ env: NO_RATE });
  second = await startApi({ env: NO_RATE, database: first.database });
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const setCap = (member: TestMember, { agentId }: TestAgent, callCap: Json | null): Promise<Reply> =>
  member.send('PATCH', `/agents/${agentId}`, { callCap });

/** Every process has the cap in memory. */
const untilKnown = ({ agentId }: TestAgent, max: number | undefined, apis = [first, second]) =>
  until('the cap is known', () =>
    Promise.resolve(apis.every(({ deps }) => deps.callCaps.get(agentId) === max)),
  );

const capped = async (
  max: number,
  api = first,
): Promise<{ member: TestMember; agent: TestAgent; token: string }> => {
  const member = await signUp(api);
  const agent = await registerAgent(api, member, ['agents:read', 'billing:read']);
  expect((await setCap(member, agent, { max, mode: 'enforce' })).status).toBe(200);
  await untilKnown(agent, max, api === first ? [first, second] : [api]);
  return { member, agent, token: await agent.token() };
};

const byAgent = async (member: TestMember, query = 'groupBy=agent'): Promise<AgentRow[]> =>
  (await member.get(`/billing/usage?${query}`)).body.data as AgentRow[];

const callsByAgent = async (member: TestMember): Promise<unknown[]> =>
  (await byAgent(member)).map(({ agentId, callsToday, metrics }) => [agentId, callsToday, metrics.api_calls]);

const emptyRedis = () => first.deps.redis!.flushdb();

describe('a cap', () => {
  it('A capped agent is refused and the others are served', () =>
    onOneDay(async () => {
      const { member, agent, token } = await capped(3);
      const other = await registerAgent(first, member);
      expect(await sendCalls([first], token, 3, 1)).toBe(3);
      const refused = await agent.get('/agents');
      expect([refused.status, refused.headers.get('ratelimit')]).toEqual([
        429,
        expect.stringMatching(/"day";r=997;.*"agent";r=0;/),
      ]);
      expect(refused.body).toMatchObject({
        ...{ error: 'agent_limit', limit: 'api_calls', max: 3, used: 3 },
        resetsAt: new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString(),
      });
      expect((await other.get('/agents')).status).toBe(200);
      expect((await agent.get('/billing/usage')).status).toBe(200);
      expect(await callsOf(member)).toBe(5);
    }));

  it('A cap holds exactly across two processes', () =>
    onOneDay(async () => {
      const { member, token } = await capped(50);
      expect(await sendCalls([first, second], token, 120, 32)).toBe(50);
      expect(await callsOf(member)).toBe(50);
    }));

  it('A cap holds after Redis has lost its data', () =>
    onOneDay(async () => {
      const { member, agent, token } = await capped(50);
      const sent = [sendCalls([first, second], token, 20, 4)];
      expect(await sent[0]).toBe(20);
      await emptyRedis();
      const served = 20 + (await sendCalls([first, second], token, 100, 8));
      expect(served).toBeGreaterThanOrEqual(50);
      expect(served).toBeLessThanOrEqual(52);
      expect(await callsByAgent(member)).toEqual([[agent.agentId, served, served]]);
    }));

  it('A cap counts the earlier calls of its day', () =>
    onOneDay(async () => {
      const member = await signUp(first);
      const agent = await registerAgent(first, member);
      const token = await agent.token();
      expect(await sendCalls([first, second], token, 4, 1)).toBe(4);
      await setCap(member, agent, { max: 5, mode: 'enforce' });
      await untilKnown(agent, 5);
      expect(await sendCalls([second, first], token, 4, 1)).toBe(1);
    }));

  it('A cap without Redis is decided in memory', () =>
    onOneDay(async () => {
      const start = () =>
        startApi({ env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: 'false' }, database: first.database });
      const alone = await start();
      const { member, agent, token } = await capped(3, alone);
      expect(await sendCalls([alone], token, 5, 1)).toBe(3);
      await alone.deps.meter.flush();
      expect(await callsByAgent(member)).toEqual([[agent.agentId, 3, 3]]);
      await alone.close();
      const restarted = await start();
      expect(await sendCalls([restarted], token, 2, 1)).toBe(0);
      await restarted.close();
    }));

  it('A cap that only reports refuses nothing', () =>
    onOneDay(async () => {
      const member = await signUp(first);
      const agent = await registerAgent(first, member);
      const cap = { max: 2, mode: 'report' };
      expect((await setCap(member, agent, cap)).body.callCap).toEqual(cap);
      expect(await sendCalls([first, second], await agent.token(), 3, 1)).toBe(3);
      expect(await byAgent(member)).toMatchObject([{ agentId: agent.agentId, callCap: cap, callsToday: 3 }]);
    }));

  it('Only owners and admins set a cap', async () => {
    const member = await signUp(first);
    const agent = await registerAgent(first, member, ['agents:read', 'agents:write']);
    const cap = { max: 7, mode: 'enforce' };
    expect((await setCap(member, agent, cap)).status).toBe(200);
    const raise = { callCap: { ...cap, max: 8 } };
    const own = await agent.send('PATCH', `/agents/${agent.agentId}`, raise);
    expect([own.status, own.body.detail]).toEqual([403, expect.stringContaining('owner or admin')]);
    expect((await agent.post('/agents', { name: 'free', ...raise })).status).toBe(403);
    await first.sql(`update members set role = 'member' where tenant_id = $1`, [member.tenantId]);
    expect((await setCap(member, agent, null)).status).toBe(403);
    await first.sql(`update members set role = 'owner' where tenant_id = $1`, [member.tenantId]);
    expect((await setCap(member, agent, null)).body.callCap).toBeNull();
    const entries = await first.sql(
      `select actor_id, metadata from audit_events where tenant_id = $1 and action = 'agent.updated' order by sequence`,
      [member.tenantId],
    );
    expect(entries).toEqual(
      [cap, null].map((callCap) => ({
        actor_id: member.userId,
        metadata: { changed: ['callCap'], callCap },
      })),
    );
    for (const wrong of [
      { max: 0, mode: 'enforce' },
      { max: 1.5, mode: 'report' },
      { max: 1 },
      { ...cap, mode: 'x' },
    ])
      expect((await setCap(member, agent, wrong)).status).toBe(400);
  });

  it('A changed cap applies in every process', () =>
    onOneDay(async () => {
      const { member, agent, token } = await capped(1);
      expect(await sendCalls([first, second], token, 4, 1)).toBe(1);
      for (const [cap, served] of [
        [{ max: 2, mode: 'enforce' }, 1],
        [null, 4],
      ] as const) {
        await setCap(member, agent, cap);
        await untilKnown(agent, cap?.max);
        expect(await sendCalls([first, second], token, 4, 1)).toBe(served);
      }
      // A process that starts reads all caps.
      await setCap(member, agent, { max: 3, mode: 'enforce' });
      const third = await startApi({ env: NO_RATE, database: first.database });
      expect(third.deps.callCaps.get(agent.agentId)).toBe(3);
      await third.close();
    }));
});

it('Every 429 says its window and whether waiting helps', () =>
  onOneDay(async () => {
    const { member, agent } = await capped(1);
    await agent.get('/agents');
    const cap = await agent.get('/agents');
    await useCalls(first, member.tenantId, 1_000);
    await emptyRedis();
    const quota = await (await registerAgent(first, member)).get('/agents');
    for (let i = 2; i < 10; i++) await member.post('/agents', { name: `agent ${i}` });
    const agents = await member.post('/agents', { name: 'one more' });
    await first.sql(
      `insert into daily_counts values ($1, 'creations', (now() at time zone 'UTC')::date, 100000)
       on conflict (tenant_id, counter) do update set count = 100000`,
      [member.tenantId],
    );
    const creations = await member.post(`/agents/${agent.agentId}/credentials`, {});
    const slow = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1' }, database: first.database });
    const cookie = { headers: { cookie: member.cookie } };
    await call(slow, '/agents', cookie);
    const rate = await call(slow, '/agents', cookie);
    await agent.requestToken({}, slow);
    const token = await agent.requestToken({}, slow);
    const from = { 'x-forwarded-for': '10.9.8.7' };
    const signIn = () => post(slow, '/auth/sign-in', { email: 'no@example.com', password: 'wrong' }, from);
    const tries = await Promise.all(Array.from({ length: 21 }, signIn));
    const door = tries.find(({ status }) => status === 429)!;
    await slow.close();
    const told = Object.entries({ cap, quota, agents, creations, rate, token, door }).map(
      ([name, { status, body, headers }]) => {
        expect([name, status, body.error !== undefined]).toEqual([name, 429, true]);
        const sent = Date.parse(headers.get('date')!);
        const until = body.resetsAt === null ? null : Date.parse(body.resetsAt as string) - sent;
        const after = headers.get('retry-after');
        // The answer is dated later than it is reckoned.
        if (until !== null) expect(Math.abs(until / 1_000 - Number(after))).toBeLessThan(30);
        return [name, body.error, body.window, body.retryable, after !== null, until !== null];
      },
    );
    expect(told).toEqual([
      ['cap', 'agent_limit', 86_400, true, true, true],
      ['quota', 'free_tier_limit', 86_400, true, true, true],
      ['agents', 'free_tier_limit', null, false, false, false],
      ['creations', 'daily_limit', 86_400, true, true, true],
      ['rate', 'rate_limited', 60, true, true, true],
      ['token', 'rate_limited', 60, true, true, true],
      ['door', 'rate_limited', expect.any(Number), true, true, true],
    ]);
  }));

describe('calls by agent', () => {
  it('API calls are broken down by agent', () =>
    onOneDay(async (today) => {
      const member = await signUp(first);
      // The later one calls more, so the order is not that of the ids.
      const [two, one] = [await registerAgent(first, member), await registerAgent(first, member)];
      const token = await one.token();
      expect(await sendCalls([first, second], token, 4, 1)).toBe(4);
      await second.deps.meter.flush();
      expect(await sendCalls([first, second], token, 5, 1)).toBe(5);
      expect(await sendCalls([first, second], await two.token(), 3, 3)).toBe(3);
      const rows = [
        [one.agentId, 9, 9],
        [two.agentId, 3, 3],
      ];
      expect(await callsByAgent(member)).toEqual(rows);
      expect(await callsOf(member)).toBe(12);
      await Promise.all([first, second].map(({ deps }) => deps.meter.flush()));
      expect(await callsByAgent(member)).toEqual(rows);
      const both = await byAgent(member, 'groupBy=day,agent');
      expect(both.map(({ day, agentId, metrics }) => [day, agentId, metrics.api_calls])).toEqual(
        rows.map(([agentId, calls]) => [today, agentId, calls]),
      );
      expect(await byAgent(await signUp(first))).toEqual([]);
    }));

  it('Calls by agent outlive their process and Redis', () =>
    onOneDay(async () => {
      const third = await startApi({ env: NO_RATE, database: first.database });
      const member = await signUp(first);
      const agent = await registerAgent(first, member);
      expect(await sendCalls([third], await agent.token(), 6, 2)).toBe(6);
      await third.close();
      await emptyRedis();
      expect(await callsByAgent(member)).toEqual([[agent.agentId, 6, 6]]);
    }));

  it('Too many counts by agent are read from Postgres', () =>
    onOneDay(async (today) => {
      const member = await signUp(first);
      const { agentId, token } = await registerAgent(first, member);
      expect(await sendCalls([first], await token(), 4, 1)).toBe(4);
      await first.deps.meter.flush();
      const key = `usage:${member.tenantId}:${epochDay(new Date(today))}:agents`;
      const more = Array.from({ length: 10_000 }, (_, n) => [`${agentId}/api_${n}`, '1']);
      await first.deps.redis!.hset(key, Object.fromEntries(more));
      expect(await callsByAgent(member)).toEqual([[agentId, 4, 4]]);
    }));

  it('A settled day closes the calls by agent', () =>
    onOneDay(async () => {
      await first.sql('delete from settled_days');
      const { deps } = first;
      const member = await signUp(first);
      const agent = await registerAgent(first, member);
      const [row] = await first.sql(`select ((now() at time zone 'UTC')::date - 1)::text as day`);
      const day = row!.day as string;
      await first.sql(`update tenants set created_at = $2 where id = $1`, [member.tenantId, `${day}T01:00Z`]);
      const record = (source: string, count: number) =>
        first.sql('select record_usage($1)', [
          JSON.stringify([{ tenant_id: member.tenantId, day, agent_id: agent.agentId, source, count }]),
        ]);
      await record('api_1', 5);
      const key = `usage:${member.tenantId}:${epochDay(new Date(day))}:agents`;
      const of = (source: string) => `${agent.agentId}/${source}`;
      await deps.redis!.hset(key, { [of('api_1')]: 7, [of('api_2')]: 2, [of('seeded')]: 0 });
      while ((await settleUsage(deps)).day !== null);
      await record('api_1', 8);
      const closed = () =>
        first.sql(
          `select agent_id, count::int, (select count(*)::int from agent_calls where tenant_id = $1) as open
         from agent_usage where tenant_id = $1 and metric = 'api_calls' and day = $2`,
          [member.tenantId, day],
        );
      expect(await closed()).toEqual([{ agent_id: agent.agentId, count: 9, open: 0 }]);
      const ttl = await deps.redis!.ttl(key);
      expect([ttl > 0, ttl <= 3_600]).toEqual([true, true]);
      // As if it had never been settled: the rows are closed once.
      await first.sql('delete from settled_days');
      while ((await settleUsage({ ...deps, redis: undefined })).day !== null);
      expect(await closed()).toEqual([{ agent_id: agent.agentId, count: 9, open: 0 }]);
      expect(await byAgent(member)).toMatchObject([{ metrics: { api_calls: 9 }, callsToday: 0 }]);
      const past = await byAgent(member, `from=${day}&to=${day}&groupBy=agent`);
      expect(past).toMatchObject([{ metrics: { api_calls: 9 }, callsToday: null }]);
    }));
});

it('Refused calls are shown by reason', () =>
  onOneDay(async () => {
    const { member, token } = await capped(2);
    expect(await sendCalls([first], token, 5, 1)).toBe(2);
    const other = await registerAgent(first, member);
    await useCalls(first, member.tenantId, 1_000);
    await emptyRedis();
    expect(await sendCalls([second], await other.token(), 2, 1)).toBe(0);
    const slow = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1' }, database: first.database });
    const rated = { headers: { authorization: `Bearer ${token}` } };
    expect((await call(slow, '/billing/usage', rated)).status).toBe(200);
    expect(await sendCalls([slow], token, 2, 1)).toBe(0);
    await slow.close();
    await Promise.all([first, second].map(({ deps }) => deps.meter.flush()));
    const { body } = await member.get('/billing/usage');
    expect(body.refusedToday).toEqual({ quota: 2, rate: 2, agent: 3 });
    expect(body.metrics).toMatchObject({ api_calls: { today: 1_003, period: 1_003 } });
    const history = (await byAgent(member, 'groupBy=day')).at(-1);
    expect(history!.metrics.api_calls).toBe(1_003);
  }));
