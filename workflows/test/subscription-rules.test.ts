import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseSubscription,
  describeView,
  holdsTheTenant,
  nextStep,
  viewOf,
  wasBegun,
} from '../src/rules/subscription.ts';
import type { StripeStatus, StripeSubscription } from '../src/rules/subscription.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const START = '2026-11-24T10:00:00.000Z';
const END = '2026-12-24T10:00:00.000Z';

const subscription = (changes: Partial<StripeSubscription> = {}): StripeSubscription => ({
  id: 'sub_1',
  status: 'active',
  createdAt: START,
  periodStart: START,
  periodEnd: END,
  trialEnd: null,
  cancelAt: null,
  ...changes,
});

const statuses: StripeStatus[] = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'canceled',
  'unpaid',
  'paused',
];
const instant = fc
  .integer({ min: 1_700_000_000, max: 2_000_000_000 })
  .map((s) => new Date(s * 1_000).toISOString());
const arbitrary: fc.Arbitrary<StripeSubscription> = fc.record({
  id: fc.stringMatching(/^sub_[a-z0-9]{8}$/),
  status: fc.constantFrom(...statuses),
  createdAt: instant,
  periodStart: instant,
  periodEnd: instant,
  trialEnd: fc.option(instant),
  cancelAt: fc.option(instant),
});

describe('viewOf: every state of Stripe in our words', () => {
  const paid = { tier: 'paid', subscriptionId: 'sub_1', periodStart: START, periodEnd: END };
  const none = { tier: 'free', subscriptionId: null, periodStart: null, periodEnd: null };
  const dates = { renewsAt: null, endsAt: null };
  it.each<[string, StripeSubscription | null, object]>([
    ['never paid', null, { ...none, ...dates, status: 'active' }],
    ['incomplete', subscription({ status: 'incomplete' }), { ...none, ...dates, status: 'active' }],
    [
      'never completed',
      subscription({ status: 'incomplete_expired' }),
      { ...none, ...dates, status: 'active' },
    ],
    [
      'a trial',
      subscription({ status: 'trialing', trialEnd: END }),
      { ...paid, ...dates, status: 'trial', endsAt: END },
    ],
    ['paying', subscription(), { ...paid, ...dates, status: 'active', renewsAt: END }],
    [
      'to be cancelled',
      subscription({ cancelAt: END }),
      { ...paid, ...dates, status: 'active', endsAt: END },
    ],
    ['past due', subscription({ status: 'past_due' }), { ...paid, ...dates, status: 'past_due' }],
    [
      'ended',
      subscription({ status: 'canceled' }),
      { ...none, ...dates, status: 'cancelled', subscriptionId: 'sub_1' },
    ],
    [
      'unpaid',
      subscription({ status: 'unpaid' }),
      { ...none, ...dates, status: 'cancelled', subscriptionId: 'sub_1' },
    ],
    [
      'paused',
      subscription({ status: 'paused' }),
      { ...none, ...dates, status: 'cancelled', subscriptionId: 'sub_1' },
    ],
  ])('%s', (_what, given, view) => {
    expect(viewOf(given)).toEqual(view);
  });

  it('gives the paid tier to live subscriptions and to no other', () => {
    fc.assert(
      fc.property(arbitrary, (given) => {
        expect(viewOf(given).tier === 'paid').toBe(['active', 'trialing', 'past_due'].includes(given.status));
      }),
    );
  });

  it('never shows a renewal beside an end', () => {
    fc.assert(
      fc.property(arbitrary, (given) => {
        const { renewsAt, endsAt } = viewOf(given);
        expect(renewsAt !== null && endsAt !== null).toBe(false);
      }),
    );
  });
});

it.each<[StripeStatus, boolean, boolean]>([
  ['active', true, true],
  ['trialing', true, true],
  ['past_due', true, true],
  ['unpaid', true, true],
  ['paused', true, true],
  ['canceled', false, true],
  ['incomplete', false, false],
  ['incomplete_expired', false, false],
])('%s: another may not be sold beside it: %s, its trial is used up: %s', (status, holds, begun) => {
  expect([holdsTheTenant({ status }), wasBegun({ status })]).toEqual([holds, begun]);
});

describe('chooseSubscription', () => {
  const all = [
    subscription({ id: 'sub_old', status: 'canceled', createdAt: '2026-01-01T00:00:00.000Z' }),
    subscription({ id: 'sub_live', status: 'past_due', createdAt: '2026-02-01T00:00:00.000Z' }),
    subscription({ id: 'sub_new', status: 'incomplete', createdAt: '2026-03-01T00:00:00.000Z' }),
  ];

  it('takes a live one before a newer one that is not', () => {
    expect(chooseSubscription(all)?.id).toBe('sub_live');
  });

  it('takes one that may still begin before those that ended, and none that never can', () => {
    const [ended, , incomplete] = all;
    const expired = subscription({ id: 'sub_never', status: 'incomplete_expired' });
    expect(chooseSubscription([expired, ended!])?.id).toBe('sub_old');
    expect(chooseSubscription([incomplete!, ended!])?.id).toBe('sub_new');
    expect(chooseSubscription([expired])).toBeNull();
    expect(chooseSubscription([])).toBeNull();
  });

  it('does not depend on the order', () => {
    const distinct = fc.uniqueArray(arbitrary, { selector: ({ createdAt }) => createdAt, maxLength: 8 });
    fc.assert(
      fc.property(distinct, fc.infiniteStream(fc.nat()), (list, random) => {
        const keys = new Map(list.map((one) => [one, random.next().value]));
        const shuffled = list.toSorted((a, b) => keys.get(a)! - keys.get(b)!);
        expect(chooseSubscription(shuffled)).toEqual(chooseSubscription(list));
      }),
    );
  });
});

describe('nextStep', () => {
  const at = (given: StripeSubscription | null, stripeNow: string) =>
    nextStep({ subscription: given, stripeNow }, 'ten_a');

  it.each([
    ['nothing', null],
    ['an ended one', subscription({ status: 'canceled' })],
    ['one that was never completed in time', subscription({ status: 'incomplete_expired' })],
  ])('ends with %s', (_what, given) => {
    expect(at(given, START)).toEqual({ kind: 'end' });
  });

  it('looks every day while the date is far, in case a webhook was lost', () => {
    expect(at(subscription(), START)).toEqual({ kind: 'wait', ms: DAY, why: 'daily read from Stripe' });
  });

  it('looks within the hour after the date, each tenant at its own moment', () => {
    const step = at(subscription(), '2026-12-24T08:00:00.000Z');
    expect(step).toMatchObject({ kind: 'wait', why: 'renews 2026-12-24' });
    const { ms } = step as { ms: number };
    expect(ms).toBeGreaterThanOrEqual(2 * HOUR);
    expect(ms).toBeLessThan(3 * HOUR);
    const moments = Array.from({ length: 100 }, (_, i) =>
      JSON.stringify(
        nextStep({ subscription: subscription(), stripeNow: '2026-12-24T08:00:00.000Z' }, `ten_${i}`),
      ),
    );
    expect(new Set(moments).size).toBe(100);
  });

  it('says when it ends instead, where it ends', () => {
    expect(at(subscription({ cancelAt: END }), '2026-12-24T08:00:00.000Z')).toMatchObject({
      why: 'ends 2026-12-24',
    });
  });

  it('looks hourly once the date has passed without effect', () => {
    expect(at(subscription(), '2026-12-24T10:00:00.000Z')).toMatchObject({ ms: HOUR });
    expect(at(subscription(), '2027-01-01T00:00:00.000Z')).toMatchObject({ ms: HOUR });
  });

  it('always waits a while, and at most a day, for whatever may still change', () => {
    fc.assert(
      fc.property(arbitrary, instant, (given, now) => {
        const step = at(given, now);
        const isOver = ['canceled', 'incomplete_expired'].includes(given.status);
        expect(step.kind).toBe(isOver ? 'end' : 'wait');
        if (step.kind === 'wait') {
          expect(step.ms).toBeGreaterThan(0);
          expect(step.ms).toBeLessThanOrEqual(DAY);
        }
      }),
    );
  });
});

it.each([
  [null, 'No subscription.'],
  [subscription(), 'Active. Renews 2026-12-24.'],
  [subscription({ cancelAt: END }), 'Active. Ends 2026-12-24.'],
  [subscription({ status: 'trialing', trialEnd: END }), 'Trial. Ends 2026-12-24.'],
  [subscription({ status: 'past_due' }), 'Past due.'],
  [subscription({ status: 'canceled' }), 'Cancelled.'],
])('tells operators in words: %#', (given, words) => {
  expect(describeView(viewOf(given))).toBe(words);
});
