import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { epochDay } from '@sentryagent/workflows/rules/period';
import { advisoryLocks } from '../src/platform/advisory-locks.ts';
import { until } from '../../dev/test/support/until.ts';
import { startApiProcess } from './support/api-process.ts';
import { IMPATIENT, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import { judge, openCaller, openJournal, underLoad } from './support/journal.ts';
import { NO_RATE, at, callsOf, ledgerOf, sendCalls, untilShared, useCalls } from './support/metered.ts';
import { startProxy } from './support/proxy.ts';
import { startRedisServer } from './support/redis-server.ts';
import type { RedisServer } from './support/redis-server.ts';

// Servers of their own, and waits for what they do: long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedisServer({ appendonly: 'yes' });
});
afterAll(() => redis.close());

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  redis.thaw();
  for (const step of undo.splice(0).reverse()) await step();
});

const process = async (options: { database?: string; url?: string } = {}): Promise<TestApi> => {
  const api = await startApi({
    env: { ...NO_RATE, ...IMPATIENT, REDIS_URL: options.url ?? redis.url },
    ...(options.database && { database: options.database }),
  });
  undo.push(() => api.close());
  return api;
};

/** Two processes of one deployment that both have counted a call of a tenant today, in Redis. */
const twoProcesses = async (used = 0, url = redis.url) => {
  const first = await process();
  const second = await process({ database: first.database, url });
  const member = await signUp(first);
  await useCalls(first, member.tenantId, used);
  const token = await (await registerAgent(first, member)).token();
  expect(await sendCalls([first, second], token, 2, 1)).toBe(2);
  return { first, second, member, token, ledger: () => ledgerOf(first, member.tenantId) };
};

/** What Redis has of a tenant's day, over all processes. */
const countedInRedis = async (tenantId: string): Promise<number> => {
  const client = new Redis(redis.url);
  const counts = await client.hvals(`usage:${tenantId}:${epochDay(new Date())}`);
  client.disconnect();
  return counts.map(Number).reduce((sum, count) => sum + count, 0);
};

/** Ends a process in good order, now. */
const end = async (api: TestApi): Promise<void> => {
  undo.splice(undo.length - 1, 1);
  await api.close();
};

describe('a process that has no Redis for a while', () => {
  it('Calls counted without Redis outlive their process', async () => {
    const { first, second, member, token, ledger } = await twoProcesses(900);
    redis.freeze();
    expect(await sendCalls([second], token, 80, 8)).toBe(80);
    await end(second);
    expect(await ledger()).toBeGreaterThanOrEqual(900 + 81);
    redis.thaw();
    await untilShared(first);
    expect(await sendCalls([first], token, 40, 4)).toBe(18);
    expect(await callsOf(member)).toBe(1_000);
  });

  it('A hanging Redis counts no call twice', async () => {
    const { first, second, member, token, ledger } = await twoProcesses();
    redis.freeze();
    expect(await sendCalls([first, second], token, 60, 20)).toBe(60);
    redis.thaw();
    expect(await sendCalls([first, second], token, 20, 4)).toBe(20);
    await untilShared(first);
    for (const api of [first, second]) await api.deps.meter.flush();
    expect(await ledger()).toBe(82);
    for (const api of [first, second])
      await until('both show the calls', async () => (await callsOf(at(api, member))) === 82);
  });

  it('A process cut off from Redis and one that is not agree', async () => {
    const proxy = await startProxy(redis.url);
    undo.push(() => proxy.close());
    const { first, second, member, token } = await twoProcesses(940, proxy.url);
    await proxy.cut();
    expect(await sendCalls([second], token, 20, 4)).toBe(20);
    // What the cut-off process has counted reaches the other's decisions without anybody asking for the usage.
    await untilShared(first);
    await until(
      'both have written',
      async () => (await first.sql(`select 1 from usage_events where count >= 21`)).length > 1,
    );
    await untilShared(first);
    expect(await sendCalls([first], token, 60, 4)).toBe(38);
    await first.deps.meter.flush();
    await until('the quota is used up', async () => (await callsOf(at(second, member))) === 1_000);
    expect(await callsOf(at(first, member))).toBe(1_000);
    expect(await sendCalls([second], token, 5, 1)).toBe(0);
    await end(second);
    expect(await callsOf(at(first, member))).toBe(1_000);
  });
});

describe('a Redis that lost data', () => {
  it('A Redis that went back in time is raised again', async () => {
    const { first, second, member, token } = await twoProcesses(940);
    const goBack = await redis.snapshot();
    expect(await sendCalls([second], token, 30, 4)).toBe(30);
    expect(await sendCalls([first], token, 10, 4)).toBe(10);
    await end(second);
    // Redis knows it all by now, and forgets it.
    await untilShared(first);
    await redis.kill();
    await goBack();
    await redis.start();
    // The first process has found Redis again and told it its own calls: from here on Redis decides.
    await until('Redis is raised', async () => (await countedInRedis(member.tenantId)) >= 940 + 1 + 11);
    expect(await sendCalls([first], token, 40, 4)).toBe(18);
    expect(await callsOf(member)).toBe(1_000);
  });

  it('has what nobody calls for again as well', async () => {
    const { first, second, member, token } = await twoProcesses();
    const goBack = await redis.snapshot();
    expect(await sendCalls([first, second], token, 20, 4)).toBe(20);
    await redis.kill();
    await goBack();
    await redis.start();
    await until('Redis is raised', async () => (await countedInRedis(member.tenantId)) === 22);
    expect([await callsOf(at(first, member)), await callsOf(at(second, member))]).toEqual([22, 22]);
  });
});

it('Without a fault the ledger equals the journal, and A killed component loses no acknowledged call', async () => {
  const journal = openJournal();
  undo.push(async () => journal.close());
  const first = await process();
  const second = await startApiProcess(first.database, { ...NO_RATE, REDIS_URL: redis.url });
  const caller = await openCaller(first, first.sql);
  const load = (apis: { url: string }[], work: () => Promise<unknown>) =>
    underLoad(journal, [caller], () => apis, work);
  await load([first, second], () => wait(500));
  const { calls, tokens } = await judge(journal, caller, [first, second], first.sql);
  expect([calls.acknowledged, calls.counted]).toEqual([calls.sent, calls.sent]);
  expect([tokens.acknowledged, tokens.counted]).toEqual([tokens.sent, tokens.sent]);

  await load([first, second], () => wait(200).then(() => second.end('SIGKILL')));
  await judge(journal, caller, [first], first.sql);
  await load([first], () => wait(200).then(redis.kill).then(redis.start));
  const { calls: last } = await judge(journal, caller, [first], first.sql);
  // What the killed process counted is in Redis alone until the first one has Redis again.
  await until('the ledger has all of it', async () => {
    await first.deps.meter.flush();
    return (await ledgerOf(first, caller.member.tenantId)) === last.counted;
  });
});

describe('an ended process', () => {
  it('has written what it counted, though another one holds the flush', async () => {
    const { first, second, token, ledger } = await twoProcesses();
    expect(await sendCalls([second], token, 10, 4)).toBe(10);
    await first.deps.db.acrossTenants(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(?)', [advisoryLocks.usage]);
      await end(second);
      expect(await ledger()).toBe(11);
    });
  });
});
