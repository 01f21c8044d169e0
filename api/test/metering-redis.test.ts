import { once } from 'node:events';
import { epochDay } from '@sentryagent/workflows/rules/period';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSharedClock, systemClock } from '../src/platform/clock.ts';
import type { Redis } from '../src/platform/redis.ts';
import { createAttempts } from '../src/services/usage/attempt.ts';
import { daysOf, listChanges, settleChanges } from '../src/services/usage/changed-days.ts';
import { createMeter } from '../src/services/usage/meter.ts';
import { createOtherCounts } from '../src/services/usage/other-counts.ts';
import { createOwnCounts } from '../src/services/usage/own-counts.ts';
import { createRedisCounter } from '../src/services/usage/redis-counter.ts';
import { counterRedis } from '../src/services/usage/scripts.ts';
import type { AdmitCall, CounterRedis } from '../src/services/usage/scripts.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import { NO_RATE, callsOf, ledgerOf, sendCalls } from './support/metered.ts';

// Servers of their own, and waits for what they do: long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: NO_RATE });
});
afterAll(() => api.close());

const today = (): number => epochDay(new Date());

describe('one process’s field of a day', () => {
  const tenantId = 'ten_field';
  let redis: Redis;
  let counter: CounterRedis;
  beforeAll(async () => {
    const shared = api.deps.redis!;
    redis = Object.assign(shared.duplicate({ enableOfflineQueue: true }), { REDIS_TIMEOUT_MS: 1_500 });
    counter = counterRedis(redis, 60_000, 'api_one');
  });
  afterAll(() => redis.disconnect());

  const call = (day: number, floor: number, ceiling: number): AdmitCall => ({
    limitKey: 'agent:field',
    rateMax: 1_000,
    usage: { tenantId, quota: 1_000, day, floor, ceiling },
  });
  const know = async (...counts: [source: string, count: number][]) => {
    await redis.del(`usage:${tenantId}:${today()}`);
    const day = { tenantId, day: today() };
    await counter.merge(
      [day],
      counts.map(([source, count]) => ({ ...day, source, count })),
    );
  };

  it('A call that Redis applies late is not counted again', async () => {
    await know(['api_one', 8], ['api_two', 5]);
    // Three calls were sent at 5 let through, given up, counted in memory; another process brought the 8 from Postgres.
    for (const ceiling of [6, 7, 8])
      expect(await counter.admit(call(today(), 5, ceiling))).toMatchObject({ used: 13, others: 5 });
    expect(await counter.admit(call(today(), 8, 9))).toMatchObject({ used: 14, others: 5 });
  });

  it('counts each of the calls that are under way together', async () => {
    await know(['api_one', 5]);
    const replies = await Promise.all([6, 7, 8].map((ceiling) => counter.admit(call(today(), 5, ceiling))));
    expect(replies.map(({ used }) => used)).toEqual([6, 7, 8]);
  });

  it('is raised by a call that knows more', async () => {
    await know(['api_one', 2], ['api_two', 5]);
    expect(await counter.admit(call(today(), 7, 8))).toMatchObject({
      outcome: 'allowed',
      used: 13,
      others: 5,
    });
  });

  it('is of the day that the caller means, or nothing is decided', async () => {
    await know(['api_one', 2]);
    const { outcome, now } = await counter.admit(call(today() - 1, 9, 10));
    expect([outcome, epochDay(new Date(now))]).toEqual(['other_day', today()]);
    expect(await redis.hgetall(`usage:${tenantId}:${today()}`)).toEqual({ api_one: '2', seeded: '0' });
  });

  it('is filled from Postgres before anything is decided', async () => {
    await redis.del(`usage:${tenantId}:${today()}`);
    expect((await counter.admit(call(today(), 9, 10))).outcome).toBe('unseeded');
  });

  describe('by agent', () => {
    const agentId = 'agt_field';
    const byAgent = (): string => `usage:${tenantId}:${today()}:agents`;
    const admit = (floor: number, ceiling: number, agent: { cap?: number; floor: number }) => {
      const { usage, ...limit } = call(today(), floor, ceiling);
      return counter.admit({ ...limit, usage: { ...usage!, agent: { agentId, ...agent } } });
    };
    beforeEach(async () => void (await redis.del(byAgent())));

    it('grows only with the tenant’s, and ends with its day', async () => {
      await know(['api_one', 8]);
      await admit(5, 8, { floor: 2 });
      expect(await redis.hgetall(byAgent())).toEqual({});
      await admit(8, 9, { floor: 2 });
      expect(await redis.hgetall(byAgent())).toEqual({ [`${agentId}/api_one`]: '3' });
      expect(await redis.ttl(byAgent())).toBeGreaterThan(86_400);
    });

    it('is at least what the process knows', async () => {
      await know(['api_one', 8]);
      await redis.hset(byAgent(), { [`${agentId}/seeded`]: 0, [`${agentId}/api_one`]: 1 });
      const reply = await admit(8, 9, { cap: 3, floor: 3 });
      expect(reply).toMatchObject({ outcome: 'agent_capped', usedByAgent: 3 });
    });

    it('is known of the other processes, apart from the tenant’s', async () => {
      await know(['api_two', 7]);
      await redis.hset(byAgent(), `${agentId}/api_two`, 2);
      const [own, others] = [createOwnCounts('api_one'), createOtherCounts()];
      const clock = createSharedClock(systemClock);
      const { admit: ask } = createRedisCounter({ redis: counter, db: api.deps.db, own, others, clock });
      const usage = { tenantId, quota: null, agentId, cap: 10 };
      const admission = await ask({ limitKey: 'agent:field', rateMax: 1_000 }, createAttempts(own)(usage));
      expect(admission).toMatchObject({ outcome: 'allowed', used: 8, usedByAgent: 3 });
      const day = { tenantId, day: today() };
      expect([others.get(day), others.get({ ...day, agentId })]).toEqual([7, 2]);
    });
  });

  it('A count that changes during the flush is flushed next time', async () => {
    await know();
    await counter.admit(call(today(), 0, 1));
    const mine = async () => {
      const changes = await listChanges(counter, (await counter.newestChange())!, 1_000);
      return changes.filter((change) => daysOf([change])[0]?.tenantId === tenantId);
    };
    const listed = await mine();
    expect(listed).toHaveLength(1);
    await counter.admit(call(today(), 1, 2));
    await settleChanges(counter, listed);
    const again = await mine();
    expect(again).toHaveLength(1);
    await settleChanges(counter, again);
    expect(await mine()).toEqual([]);
  });
});

it('A process whose clock is a day ahead counts on the day of Redis', async () => {
  const ahead = await startApi({
    env: NO_RATE,
    database: api.database,
    clock: () => new Date(Date.now() + 86_400_000),
  });
  const agent = await registerAgent(ahead, await signUp(ahead));
  const [{ tenant_id: tenantId }] = (await api.sql('select tenant_id from agents where id = $1', [
    agent.agentId,
  ])) as [{ tenant_id: string }];
  expect(await sendCalls([ahead], await agent.token(), 3, 1)).toBe(3);
  await ahead.close();
  expect(
    await api.sql(
      `select count::int, day = (now() at time zone 'UTC')::date as today from usage_events
       where tenant_id = $1 and metric = 'api_calls'`,
      [tenantId],
    ),
  ).toEqual([{ count: 3, today: true }]);
});

it('A warm call is one round trip to Redis: One round trip decides rate and quota', async () => {
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  const token = await agent.token();
  await sendCalls([api], token, 1, 1);
  const redis = api.deps.redis!;
  const send = redis.sendCommand.bind(redis);
  const sent: string[] = [];
  redis.sendCommand = (command, ...rest) => {
    sent.push([command.name, ...command.args].join(' '));
    return send(command, ...rest);
  };
  expect(await sendCalls([api], token, 10, 1)).toBe(10);
  redis.sendCommand = send;
  expect(sent.filter((text) => text.includes(member.tenantId) || text.includes(agent.agentId))).toHaveLength(
    10,
  );
});

it('A Redis that evicts the list of changed days loses no count', async () => {
  const { db, logger, config } = api.deps;
  const redis = Object.assign(api.deps.redis!.duplicate(), { REDIS_TIMEOUT_MS: 1_500 });
  await once(redis, 'ready');
  const { tenantId } = await signUp(api);
  const meter = createMeter({
    ...{ db, redis, logger, clock: systemClock },
    config: { ...config, USAGE_FLUSH_INTERVAL_MS: 3_600_000 },
  });
  const call = { limitKey: 'agent:evicted', rateMax: 1_000_000, metered: { tenantId, quota: null } };
  for (let i = 0; i < 7; i++) expect((await meter.admit(call)).outcome).toBe('allowed');
  await redis.del('usage:changed');
  await meter.flush();
  expect(await ledgerOf(api, tenantId)).toBe(7);
  await meter.stop();
  redis.disconnect();
});

describe('a count that is none', () => {
  it('One unreadable count stops no flush', async () => {
    const members = [await signUp(api), await signUp(api), await signUp(api)];
    const tokens = [];
    for (const member of members) tokens.push(await (await registerAgent(api, member)).token());
    for (const token of tokens) await sendCalls([api], token, 3, 1);
    const broken = members[1]!.tenantId;
    const byAgent = `usage:${broken}:${today()}:agents`;
    const [own] = await api.deps.redis!.hkeys(byAgent);
    await api.deps.redis!.hset(byAgent, own!, 'garbage');
    await api.deps.redis!.hset(`usage:${broken}:${today()}`, { api_bad: 'garbage', api_less: '-5' });
    await api.deps.redis!.zadd('usage:changed', 1, 'nonsense', 2, 'ten_x|soon');

    await api.deps.meter.flush();
    for (const { tenantId } of members) expect(await ledgerOf(api, tenantId)).toBe(3);
    expect(await api.deps.redis!.zcard('usage:changed')).toBe(0);
    await sendCalls([api], tokens[1]!, 1, 1);
    await api.deps.meter.flush();
    expect(await ledgerOf(api, broken)).toBe(4);
    expect(await api.deps.redis!.hget(byAgent, own!)).toBe('4');

    const errors = api.logs.filter(({ msg }) => /cannot be stored/.test(String(msg)));
    expect(errors).toMatchObject([
      { level: 50, tenantId: broken, day: today(), source: 'api_bad' },
      { level: 50, tenantId: broken, day: today(), source: 'api_less' },
    ]);
    await api.deps.redis!.hdel(`usage:${broken}:${today()}`, 'api_bad', 'api_less');
    expect(await callsOf(members[1]!)).toBe(4);
  });
});
