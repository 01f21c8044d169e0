import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAttempts } from '../../src/services/usage/attempt.ts';
import { createCallCaps } from '../../src/services/usage/call-caps.ts';
import { freeTierLimit } from '../../src/services/usage/free-tier-limit.ts';
import { createLocalRate } from '../../src/services/usage/local-rate.ts';
import { createOtherCounts } from '../../src/services/usage/other-counts.ts';
import { createOwnCounts } from '../../src/services/usage/own-counts.ts';
import { dayOfKey, keyOf, sumCounts } from '../../src/services/usage/totals.ts';
import { createUpToDateDays } from '../../src/services/usage/up-to-date-days.ts';

afterEach(() => void vi.restoreAllMocks());

const day = { tenantId: 'ten_1', day: 20_000 };
const nextDay = { ...day, day: 20_001 };
const foreign = { tenantId: 'ten_2', day: 20_000 };
const of = (count: number, on = day, source = 'api_one') => ({ ...on, source, count });

describe('the key of a day', () => {
  it('leads back to the day', () => {
    expect(keyOf(day)).toBe('ten_1|20000');
    for (const each of [day, nextDay, { tenantId: 'ten_1', day: 999_999 }, { tenantId: 'ten_1', day: 0 }]) {
      expect(dayOfKey(keyOf(each))).toEqual(each);
    }
  });

  it.each([
    '',
    'ten_1',
    '|1',
    'ten_1|',
    'ten_1|x',
    'ten_1|1x',
    'ten_1|-1',
    'ten_1|1000000',
    'a|b|1',
    'ten_1|1\n',
  ])('is not %j', (text) => expect(dayOfKey(text)).toBeUndefined());
});

it('counts add up', () => {
  expect(sumCounts([])).toBe(0);
  expect(sumCounts([of(1), of(20), of(300)])).toBe(321);
});

it('the caps of agents follow what has changed, and all at once replace those before', () => {
  const caps = createCallCaps();
  const known = () => ['one', 'two', 'three'].map(caps.get);
  caps.follow(
    [
      { agent_id: 'one', max: 1 },
      { agent_id: 'two', max: 2 },
    ],
    true,
  );
  caps.follow(
    [
      { agent_id: 'two', max: null },
      { agent_id: 'three', max: 3 },
    ],
    false,
  );
  expect(known()).toEqual([1, undefined, 3]);
  caps.follow([{ agent_id: 'two', max: 4 }], true);
  expect(known()).toEqual([undefined, 4, undefined]);
});

describe('the counts of other processes', () => {
  it('never go back, and each day has its own', () => {
    const others = createOtherCounts();
    expect(others.get(day)).toBe(0);
    others.saw(day, 5);
    others.saw(day, 3);
    others.saw(nextDay, 1);
    expect([day, nextDay, foreign].map(others.get)).toEqual([5, 1, 0]);
    others.saw(day, 9);
    expect(others.get(day)).toBe(9);
  });
});

describe('the counts of this process', () => {
  it('are its own by tenant and day', () => {
    const own = createOwnCounts('api_one');
    expect([own.get(day), own.total(day), own.all()]).toEqual([0, of(0), []]);
    own.add(day, false);
    own.add(day, false);
    own.add(nextDay, false);
    own.add(foreign, false);
    expect([day, nextDay, foreign].map(own.get)).toEqual([2, 1, 1]);
    expect(own.total(day)).toEqual(of(2));
    expect(own.all()).toEqual([of(2), of(1, nextDay), of(1, foreign)]);
  });

  it('that Redis may not know are taken once, and can be put back', () => {
    const own = createOwnCounts('api_one');
    own.add(day, true);
    own.add(day, false);
    own.add(foreign, false);
    expect(own.unstored()).toEqual([of(1, foreign)]);
    const taken = own.takeUnsynced();
    expect([taken, own.takeUnsynced()]).toEqual([[of(2)], []]);
    expect(own.unstored()).toEqual([of(2), of(1, foreign)]);
    own.putBack(taken);
    own.add(day, false);
    expect(own.unstored()).toEqual([of(1, foreign)]);
    expect(own.takeUnsynced()).toEqual([of(3)]);
  });

  it('are all taken if Redis is lost', () => {
    const own = createOwnCounts('api_one');
    own.add(day, false);
    own.add(foreign, false);
    own.markAllUnsynced();
    expect(own.unstored()).toEqual([]);
    expect(own.takeUnsynced()).toEqual([of(1), of(1, foreign)]);
  });

  it('are stored up to what was written of them, never less', () => {
    const own = createOwnCounts('api_one');
    own.add(day, false);
    own.add(day, false);
    own.stored([of(2, day, 'api_two'), of(1, nextDay), of(1)]);
    expect(own.unstored()).toEqual([of(2)]);
    own.stored([of(2)]);
    own.stored([of(1)]);
    expect(own.unstored()).toEqual([]);
    expect(own.all()).toEqual([of(2)]);
    own.add(day, false);
    expect(own.unstored()).toEqual([of(3)]);
  });

  it('are forgotten after two days, not earlier', () => {
    const passed = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    const own = createOwnCounts('api_one');
    own.add(day, false);
    own.stored([of(1)]);
    passed.mockReturnValue(1_000 + 2 * 86_400_000);
    own.forgetOld();
    expect(own.all()).toEqual([of(1)]);
    passed.mockReturnValue(1_001 + 2 * 86_400_000);
    own.forgetOld();
    expect(own.all()).toEqual([]);
  });
});

describe('an attempt', () => {
  const start = () => {
    const own = createOwnCounts('api_one');
    const begin = createAttempts(own);
    return { own, begin: (tenantId = 'ten_1') => begin({ tenantId, quota: 10 }) };
  };

  it('is under way until it is counted or has ended', () => {
    const { own, begin } = start();
    own.add(day, false);
    const [one, two] = [begin(), begin()];
    const other = begin('ten_2');
    expect([one.tenantId, one.quota, other.tenantId]).toEqual(['ten_1', 10, 'ten_2']);
    expect([one.floor(20_000), one.ceiling(20_000)]).toEqual([1, 3]);
    expect([one.floor(20_001), one.ceiling(20_001)]).toEqual([0, 2]);
    expect(other.ceiling(20_000)).toBe(1);
    one.count(20_000, true);
    expect([two.floor(20_000), two.ceiling(20_000)]).toEqual([2, 3]);
    expect(own.takeUnsynced()).toEqual([of(2)]);
    two.end();
    expect([two.floor(20_000), two.ceiling(20_000)]).toEqual([2, 2]);
  });

  it('ends once, however often that is said', () => {
    const { own, begin } = start();
    const [one, two] = [begin(), begin()];
    one.count(20_000, false);
    one.end();
    one.end();
    expect(own.takeUnsynced()).toEqual([]);
    expect(two.ceiling(20_000)).toBe(2);
    two.end();
    expect(begin().ceiling(20_000)).toBe(2);
  });
});

describe('the limit of the free tier', () => {
  const now = new Date('2026-11-23T23:59:30.500Z');

  it('of calls says when it opens again', () => {
    const resetsAt = new Date('2026-11-24T00:00:00Z');
    const reached = { limit: 'api_calls', max: 1_000, used: 1_037, resetsAt, now } as const;
    expect(freeTierLimit('https://app.test', reached)).toMatchObject({
      code: 'free_tier_limit',
      detail: 'The free tier has 1000 API calls per UTC day. Upgrade, or try again after 00:00 UTC.',
      members: {
        ...{ error: 'free_tier_limit', limit: 'api_calls', max: 1_000, used: 1_037 },
        ...{ resetsAt: '2026-11-24T00:00:00.000Z', upgradeUrl: 'https://app.test/pricing' },
      },
      headers: { 'Retry-After': '30' },
    });
  });

  it('of agents does not open by waiting', () => {
    const { detail, members, headers } = freeTierLimit('https://app.test', {
      ...{ limit: 'agents', max: 10, used: 10, resetsAt: null, now },
    });
    expect(detail).toBe('The free tier has 10 active agents. Upgrade to register more.');
    expect([members, headers]).toMatchObject([
      { limit: 'agents', resetsAt: null, window: null, retryable: false },
      {},
    ]);
  });
});

describe('the rate limit of this process', () => {
  it('counts each key by itself, and refuses what is over it', async () => {
    const take = createLocalRate(60_000);
    const first = await take('agent:1', 2);
    expect(first).toMatchObject({ allowed: true, remaining: 1 });
    expect(first.resetMs).toBeGreaterThan(59_000);
    expect(first.resetMs).toBeLessThanOrEqual(60_000);
    expect(await take('agent:1', 2)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await take('agent:1', 2)).toMatchObject({ allowed: false, remaining: 0 });
    expect(await take('agent:2', 2)).toMatchObject({ allowed: true, remaining: 1 });
  });
});

describe('the days that are up to date', () => {
  const start = () => {
    const asked: string[] = [];
    const answers: PromiseWithResolvers<string>[] = [];
    const days = createUpToDateDays((each) => {
      asked.push(keyOf(each));
      answers.push(Promise.withResolvers());
      return answers.at(-1)!.promise;
    });
    return { days, asked, answers };
  };

  it('are asked about once, each by itself', async () => {
    const { days, asked, answers } = start();
    const known = days.ensure(day);
    expect(days.ensure(day)).toBe(known);
    answers[0]!.resolve('known');
    expect(await days.ensure(day)).toBe('known');
    void days.ensure(foreign);
    expect(asked).toEqual(['ten_1|20000', 'ten_2|20000']);
  });

  it('are asked about again after a failure', async () => {
    const { days, asked, answers } = start();
    const failed = days.ensure(day);
    answers[0]!.reject(new Error('lost'));
    await expect(failed).rejects.toThrow('lost');
    void days.ensure(day);
    expect(asked).toHaveLength(2);
  });

  it('are forgotten one by one, only by who knows the newest answer, or all at once', () => {
    const { days, asked } = start();
    const old = days.ensure(day);
    void days.ensure(foreign);
    days.forget(day, old);
    const renewed = days.ensure(day);
    expect(asked).toHaveLength(3);
    days.forget(day, old);
    expect(days.ensure(day)).toBe(renewed);
    days.forgetAll();
    void days.ensure(day);
    void days.ensure(foreign);
    expect(asked).toHaveLength(5);
  });

  it('are forgotten once they are over', () => {
    const { days, asked } = start();
    void days.ensure(day);
    const kept = days.ensure(nextDay);
    days.forgetBefore(20_001);
    expect(days.ensure(nextDay)).toBe(kept);
    void days.ensure(day);
    expect(asked).toHaveLength(3);
  });
});
