import { describe, expect, it } from 'vitest';
import { nextLookMs } from '../src/rules/checkout.ts';
import { secondsUntil, untilSettleableMs } from '../src/rules/period.ts';
import { shouldWarn, usageThresholds } from '../src/rules/quota.ts';
import { nextStep, viewOf } from '../src/rules/subscription.ts';
import type { StripeSubscription } from '../src/rules/subscription.ts';
import { tiers } from '../src/rules/tiers.ts';

const at = (ms: number): Date => new Date(1_800_000_000_000 + ms);

it.each([
  [-5_000, 1],
  [0, 1],
  [1, 1],
  [1_000, 1],
  [1_001, 2],
  [59_999, 60],
  [86_400_000, 86_400],
])('Retry-After never ends before the limit does: %i ms', (ms, seconds) => {
  expect(secondsUntil(at(ms), at(0))).toBe(seconds);
});

it('a session that expires now is looked at after the usual wait, not at once', () => {
  expect(nextLookMs(0, 0)).toBe(5_000);
  expect(nextLookMs(0, 1)).toBe(1);
});

describe('a warning', () => {
  it('needs a limit and a threshold', () => {
    const { free, paid } = tiers;
    expect(shouldWarn(paid, 1e9)).toBe(false);
    expect(shouldWarn({ ...free, warningThresholds: [] }, 1e9)).toBe(false);
    expect(shouldWarn({ ...paid, warningThresholds: [0.8] }, 1e9)).toBe(false);
    expect([799, 800].map((calls) => shouldWarn(free, calls))).toEqual([false, true]);
  });
});

describe('a threshold of the daily calls', () => {
  it('is one for each warning of a tier with a limit', () => {
    expect(usageThresholds()).toEqual([
      { tier: 'free', percent: 80, calls: 800 },
      { tier: 'free', percent: 100, calls: 1_000 },
    ]);
  });

  it('is reached by whole calls, also of a soft limit', () => {
    const apiCallsPerDay = { max: 7, enforcement: 'soft' as const };
    const third = { ...tiers.paid, limits: { ...tiers.paid.limits, apiCallsPerDay } };
    expect(usageThresholds([{ ...third, warningThresholds: [0.29] }])).toEqual([
      { tier: 'paid', percent: 29, calls: 3 },
    ]);
    expect(usageThresholds([{ ...tiers.paid, warningThresholds: [0.8] }])).toEqual([]);
  });
});

it.each([
  ['2026-11-29T00:00:00.000Z', 300_000],
  ['2026-11-29T00:04:59.999Z', 1],
  ['2026-11-29T00:05:00.000Z', 0],
  ['2026-11-28T23:59:59.999Z', 0],
])('A day can be settled five minutes after it has ended: at %s in %i ms', (now, ms) => {
  expect(untilSettleableMs(new Date(now))).toBe(ms);
});

describe('a trial', () => {
  const trial: StripeSubscription = {
    id: 'sub_1',
    status: 'trialing',
    createdAt: '2026-11-01T00:00:00.000Z',
    periodStart: '2026-11-01T00:00:00.000Z',
    periodEnd: '2026-11-30T00:00:00.000Z',
    trialEnd: '2026-11-20T00:00:00.000Z',
    cancelAt: null,
    failedAt: null,
    graceUntil: null,
    lookupKey: null,
  };
  it.each([
    [{}, trial.trialEnd],
    [{ cancelAt: '2026-11-10T00:00:00.000Z' }, '2026-11-10T00:00:00.000Z'],
    [{ trialEnd: null }, trial.periodEnd],
  ])('ends when it is cancelled, else with the trial, else with the period: %j', (changes, endsAt) => {
    expect(viewOf({ subscription: { ...trial, ...changes }, stripeNow: trial.createdAt }).endsAt).toBe(
      endsAt,
    );
  });

  it('that could not be paid is read daily, because it has no date', () => {
    const pastDue: StripeSubscription = { ...trial, status: 'past_due' };
    expect(nextStep({ subscription: pastDue, stripeNow: trial.createdAt }, 'ten_1')).toEqual({
      ...{ kind: 'wait', ms: 86_400_000, why: 'daily read from Stripe' },
    });
  });

  it('tells operators why it waits', () => {
    const why = (stripeNow: string): unknown => nextStep({ subscription: trial, stripeNow }, 'ten_1');
    expect(why('2026-11-02T00:00:00.000Z')).toMatchObject({ why: 'daily read from Stripe' });
    expect(why('2026-11-19T23:00:00.000Z')).toMatchObject({ why: 'ends 2026-11-20' });
    expect(why('2026-11-20T00:00:00.000Z')).toMatchObject({
      why: '2026-11-20 has passed: hourly read from Stripe',
    });
  });
});

it('the Paid tier refuses nothing and warns of nothing', () => {
  expect(tiers.paid.limits).toEqual({
    agents: { max: null, enforcement: 'soft' },
    apiCallsPerDay: { max: null, enforcement: 'soft' },
  });
  expect(tiers.paid.warningThresholds).toEqual([]);
});
