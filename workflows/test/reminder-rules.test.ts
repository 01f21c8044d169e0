import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextChargeAt, remindersAhead, untilReminderMs } from '../src/rules/reminders.ts';
import { viewOf } from '../src/rules/subscription.ts';
import type { StripeSubscription } from '../src/rules/subscription.ts';

const DAY = 86_400_000;
const START = '2028-02-01T12:00:00.000Z';
/** A leap day. */
const END = '2028-02-29T12:00:00.000Z';

const charge = (changes: Partial<StripeSubscription>) =>
  nextChargeAt(
    viewOf({
      stripeNow: START,
      subscription: {
        id: 'sub_1',
        status: 'active',
        createdAt: START,
        periodStart: START,
        periodEnd: END,
        trialEnd: null,
        cancelAt: null,
        failedAt: null,
        graceUntil: null,
        lookupKey: null,
        ...changes,
      },
    }),
  );

it.each<[string, Partial<StripeSubscription>, string | null]>([
  ['a renewal', {}, END],
  ['the end of a trial', { status: 'trialing', trialEnd: END }, END],
  ['a cancelled renewal', { cancelAt: END }, null],
  ['a cancelled trial', { status: 'trialing', trialEnd: END, cancelAt: END }, null],
  ['a failed payment', { status: 'past_due', failedAt: START }, null],
  ['an ended subscription', { status: 'canceled' }, null],
])('the next charge: %s', (_what, changes, expected) => {
  expect(charge(changes)).toBe(expected);
});

describe('reminders', () => {
  const at = (iso: string) => remindersAhead(END, Date.parse(iso));

  it.each<[string, string, number[]]>([
    ['a month before', '2028-02-01T12:00:00Z', [7, 1]],
    ['on the last day of February, 7 days before', '2028-02-22T12:00:00Z', [7, 1]],
    ['a second later', '2028-02-22T12:00:01Z', [1]],
    ['1 day before', '2028-02-28T12:00:00Z', [1]],
    ['a second after that', '2028-02-28T12:00:01Z', []],
    ['after the charge', '2028-03-01T00:00:00Z', []],
  ])('that are ahead: %s', (_when, iso, expected) => {
    expect(at(iso)).toEqual(expected);
  });

  it('are due by the billing clock alone: whole days before the charge', () => {
    expect(untilReminderMs(END, 7, Date.parse('2028-02-20T12:00:00Z'))).toBe(2 * DAY);
    expect(untilReminderMs(END, 1, Date.parse('2028-02-29T00:00:00Z'))).toBe(-DAY / 2);
  });

  it('that are ahead wait, and never beyond the charge', () => {
    const ms = fc.integer({ min: Date.parse('2028-01-01'), max: Date.parse('2028-04-01') });
    fc.assert(
      fc.property(ms, (now) => {
        for (const days of remindersAhead(END, now)) {
          const wait = untilReminderMs(END, days, now);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(now + wait).toBeLessThan(Date.parse(END));
        }
      }),
    );
  });
});
