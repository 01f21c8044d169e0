import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkoutEnd, nextLookMs, sessionExpiry, sessionStatus } from '../src/rules/checkout.ts';

const HOUR = 3_600_000;

it('a session lasts less than the 24 hours that Stripe takes, and more than its 30 minutes', () => {
  const now = new Date('2026-02-28T12:00:00Z');
  const lasts = sessionExpiry(now).getTime() - now.getTime();
  expect(lasts).toBeLessThan(24 * HOUR);
  expect(lasts).toBeGreaterThan(HOUR);
});

describe('nextLookMs', () => {
  it('doubles from 5 s to 10 minutes', () => {
    const looks = Array.from({ length: 9 }, (_, i) => nextLookMs(i, 23 * HOUR) / 1_000);
    expect(looks).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600]);
  });

  it('doubles to an hour while a payment settles, whatever the session’s end', () => {
    expect([0, 7, 9, 10, 100].map((looks) => nextLookMs(looks, 1_000, true) / 1_000)).toEqual([
      5, 640, 2_560, 3_600, 3_600,
    ]);
  });

  it('never sleeps past the end of the session, never longer than 10 minutes, never not at all', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: -24 * HOUR, max: 24 * HOUR }), (looks, left) => {
        const ms = nextLookMs(looks, left);
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThanOrEqual(600_000);
        if (left > 0) expect(ms).toBeLessThanOrEqual(left);
      }),
    );
  });
});

it.each([
  ['open', undefined],
  ['processing', undefined],
  ['complete', 'completed'],
  ['failed', 'failed'],
  ['expired', 'expired'],
] as const)('a session that is %s ends the checkout as %s', (status, end) => {
  expect(checkoutEnd(status)).toBe(end);
});

it.each([
  ['open', false, null, 'open'],
  ['expired', false, null, 'expired'],
  ['complete', true, 'active', 'complete'],
  // A trial needs no payment, and a payment by bank can settle after the subscription has begun.
  ['complete', false, 'trialing', 'complete'],
  ['complete', false, 'active', 'complete'],
  ['complete', false, 'incomplete', 'processing'],
  ['complete', false, null, 'processing'],
  ['complete', false, 'incomplete_expired', 'failed'],
  ['complete', false, 'canceled', 'failed'],
] as const)(
  'a session that is %s, paid: %s, with a subscription that is %s, is %s',
  (status, isPaid, subscription, is) => {
    expect(sessionStatus({ status, isPaid, subscription })).toBe(is);
  },
);
