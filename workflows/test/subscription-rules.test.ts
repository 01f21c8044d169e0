import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseSubscription,
  describeView,
  holdsTheTenant,
  graceEnd,
  nextStep,
  viewOf,
  wasBegun,
} from '../src/rules/subscription.ts';
import type { StripeStatus, StripeSubscription, SubscriptionView } from '../src/rules/subscription.ts';

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
  failedAt: null,
  graceUntil: null,
  lookupKey: 'sentryagent_paid_monthly',
  ...changes,
});

const view = (given: StripeSubscription | null, stripeNow = START): SubscriptionView =>
  viewOf({ subscription: given, stripeNow });

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
  failedAt: fc.option(instant),
  graceUntil: fc.option(instant),
  lookupKey: fc.constantFrom('sentryagent_paid_monthly', 'sentryagent_paid_2025', null),
});

/** The first payment fails two days into the period. */
const FAILED = '2026-11-26T10:00:00.000Z';
const GRACE_END = '2026-12-03T10:00:00.000Z';
const pastDue = (changes: Partial<StripeSubscription> = {}) =>
  subscription({ status: 'past_due', failedAt: FAILED, ...changes });

describe('viewOf: every state of Stripe in our words', () => {
  const no = { renewsAt: null, endsAt: null, graceEndsAt: null, isCancelling: false };
  const paid = { ...no, tier: 'paid', subscriptionId: 'sub_1', periodStart: START, periodEnd: END };
  const free = { ...no, tier: 'free', subscriptionId: 'sub_1', periodStart: null, periodEnd: null };
  const none = { ...free, subscriptionId: null, status: 'active' };
  it.each<[string, StripeSubscription | null, object]>([
    ['never paid', null, none],
    ['incomplete', subscription({ status: 'incomplete' }), none],
    ['never completed', subscription({ status: 'incomplete_expired' }), none],
    [
      'a trial',
      subscription({ status: 'trialing', trialEnd: END }),
      { ...paid, status: 'trial', endsAt: END },
    ],
    [
      'a trial to be cancelled',
      subscription({ status: 'trialing', trialEnd: END, cancelAt: END }),
      { ...paid, status: 'trial', endsAt: END, isCancelling: true },
    ],
    ['paying', subscription(), { ...paid, status: 'active', renewsAt: END }],
    [
      'paying by a price of another year',
      subscription({ lookupKey: null }),
      { ...paid, status: 'active', renewsAt: END },
    ],
    [
      'to be cancelled',
      subscription({ cancelAt: END }),
      { ...paid, status: 'active', endsAt: END, isCancelling: true },
    ],
    ['past due, no payment tried yet', pastDue({ failedAt: null }), { ...paid, status: 'past_due' }],
    ['past due', pastDue(), { ...paid, status: 'past_due', graceEndsAt: GRACE_END }],
    [
      'past due, to be cancelled',
      pastDue({ cancelAt: END }),
      { ...paid, status: 'past_due', endsAt: END, graceEndsAt: GRACE_END, isCancelling: true },
    ],
    ['ended', subscription({ status: 'canceled' }), { ...free, status: 'cancelled' }],
    ['unpaid', subscription({ status: 'unpaid' }), { ...free, status: 'payment_failed' }],
    ['paused', subscription({ status: 'paused' }), { ...free, status: 'paused' }],
  ])('%s', (_what, given, expected) => {
    expect(view(given)).toEqual(expected);
  });

  it.each([
    ['a second before seven days', '2026-12-03T09:59:59.000Z', 'paid', 'past_due'],
    ['after seven days to the second', GRACE_END, 'free', 'payment_failed'],
    ['a month later', '2027-01-03T10:00:00.000Z', 'free', 'payment_failed'],
  ])('The end of grace: %s', (_when, now, tier, status) => {
    expect(view(pastDue(), now)).toMatchObject({ tier, status, subscriptionId: 'sub_1' });
  });

  it('An operator can only lengthen the grace', () => {
    expect(graceEnd(pastDue())).toBe(GRACE_END);
    expect(graceEnd(pastDue({ graceUntil: END }))).toBe(END);
    expect(graceEnd(pastDue({ graceUntil: START }))).toBe(GRACE_END);
    expect(graceEnd(pastDue({ failedAt: null, graceUntil: END }))).toBeNull();
  });

  it('The tier is paid for a live subscription, until its grace is over, and for no other', () => {
    fc.assert(
      fc.property(arbitrary, instant, (given, now) => {
        const end = graceEnd(given);
        const isInTime = given.status !== 'past_due' || end === null || Date.parse(now) < Date.parse(end);
        const isLive = ['active', 'trialing', 'past_due'].includes(given.status) && isInTime;
        expect(view(given, now).tier).toBe(isLive ? 'paid' : 'free');
      }),
    );
  });

  it('shows a renewal, or an end, or neither', () => {
    fc.assert(
      fc.property(arbitrary, instant, (given, now) => {
        const { tier, renewsAt, endsAt, isCancelling } = view(given, now);
        expect(renewsAt !== null && endsAt !== null).toBe(false);
        if (tier === 'free') expect([renewsAt, endsAt, isCancelling]).toEqual([null, null, false]);
        if (isCancelling) expect(endsAt).toBe(given.cancelAt);
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

  it('takes one that is paid before a newer one that is past due, so that nobody is lowered', () => {
    const paid = subscription({ id: 'sub_paid', createdAt: '2025-01-01T00:00:00.000Z' });
    expect(chooseSubscription([...all, paid])?.id).toBe('sub_paid');
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

  it('looks when the grace ends, before the renewal', () => {
    expect(at(pastDue(), '2026-12-03T08:00:00.000Z')).toMatchObject({ why: 'grace ends 2026-12-03' });
    expect(at(pastDue(), '2026-12-03T11:00:00.000Z')).toMatchObject({ ms: DAY });
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
  [pastDue({ failedAt: null }), 'Past due.'],
  [pastDue(), 'Past due. Free from 2026-12-03 if nobody pays.'],
  [subscription({ status: 'unpaid' }), 'Free, because a payment failed.'],
  [subscription({ status: 'paused' }), 'Free, because the subscription is paused.'],
  [subscription({ status: 'canceled' }), 'Cancelled.'],
])('tells operators in words: %#', (given, words) => {
  expect(describeView(view(given))).toBe(words);
});
