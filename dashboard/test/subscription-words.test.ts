import type { Subscription } from '@sentryagent/sdk';
import { describe, expect, it } from 'vitest';
import {
  canCancel,
  canResume,
  cancelWords,
  chargeWords,
  checkoutWords,
  doneOf,
  isEnding,
  subscriptionWords,
} from '../src/lib/billing/subscription-words.ts';

const DAY = '2026-12-22T09:30:00Z';
const GRACE = '2026-12-05T09:30:00Z';

const subscriptionOf = (changes: Partial<Subscription>): Subscription => ({
  tier: 'paid',
  status: 'active',
  renewsAt: null,
  endsAt: null,
  graceEndsAt: null,
  isCancelling: false,
  nextCharge: null,
  card: null,
  hasPortal: true,
  openCheckout: null,
  ...changes,
});

const cancelled = { isCancelling: true, endsAt: DAY } as const;

/** State, its subscription, the words, and whether Cancel, Resume and what then happens are shown. */
const states: readonly [string, Partial<Subscription>, string, [boolean, boolean, boolean]][] = [
  [
    'never paid',
    { tier: 'free', hasPortal: false },
    'You are on the Free plan. You are not charged.',
    [false, false, false],
  ],
  [
    'on trial',
    { status: 'trial', endsAt: DAY },
    'Your trial ends on December 22, 2026 (UTC). Then your card is charged. To avoid this charge, cancel before that day.',
    [true, false, false],
  ],
  [
    'on a cancelled trial',
    { status: 'trial', ...cancelled },
    'You cancelled. Your trial ends on December 22, 2026 (UTC), and you are not charged. Then your tenant is on Free.',
    [false, true, true],
  ],
  ['paying', { renewsAt: DAY }, 'Your subscription renews on December 22, 2026 (UTC).', [true, false, false]],
  [
    'cancelled at period end',
    cancelled,
    'You cancelled. You keep Paid until December 22, 2026 (UTC), and you are not charged again. Then your tenant is on Free.',
    [false, true, true],
  ],
  [
    'cancelled for a day after the next charge',
    { ...cancelled, renewsAt: GRACE },
    'You cancelled. You keep Paid until December 22, 2026 (UTC), and your card is charged until then, next on December 5, 2026 (UTC). Then your tenant is on Free.',
    [false, true, true],
  ],
  [
    'on a trial that is cancelled for a day after it',
    { status: 'trial', ...cancelled, renewsAt: GRACE },
    'You cancelled. You keep Paid until December 22, 2026 (UTC), and your card is charged until then, next on December 5, 2026 (UTC). Then your tenant is on Free.',
    [false, true, true],
  ],
  [
    'past due',
    { status: 'past_due', graceEndsAt: GRACE },
    'Your last payment failed. Stripe retries it automatically. To pay now, pay the open invoice. If you only change the card, Stripe charges it at its next attempt. If nobody pays, your tenant changes to Free on December 5, 2026 (UTC).',
    [true, false, true],
  ],
  [
    'past due and cancelled',
    { status: 'past_due', graceEndsAt: GRACE, ...cancelled },
    'Your last payment failed. Stripe retries it automatically. To pay now, pay the open invoice. If you only change the card, Stripe charges it at its next attempt. If nobody pays, your tenant changes to Free on December 5, 2026 (UTC). You cancelled: Paid ends on December 22, 2026 (UTC) in any case.',
    [false, true, true],
  ],
  [
    'unpaid after the grace',
    { tier: 'free', status: 'payment_failed' },
    'Your tenant is on Free because a payment failed. To be on Paid again, pay the open invoice. To end the subscription instead, cancel it in the portal.',
    [false, false, false],
  ],
  [
    'unpaid and cancelled',
    { tier: 'free', status: 'payment_failed', ...cancelled },
    'Your tenant is on Free because a payment failed. To be on Paid again, pay the open invoice. You cancelled: the subscription ends on December 22, 2026 (UTC).',
    [false, false, false],
  ],
  [
    'paused',
    { tier: 'free', status: 'paused' },
    'Your subscription is paused, so your tenant is on Free and you are not charged. To continue, add a card. To end it instead, cancel it in the portal.',
    [false, false, false],
  ],
  [
    'ended',
    { tier: 'free', status: 'cancelled' },
    'Your subscription has ended. You are not charged any more, and nothing was deleted. To be on Paid again, upgrade.',
    [false, false, false],
  ],
];

describe('The Billing page explains every state', () => {
  it.each(states)('of a tenant that is %s', (_state, changes, words, shown) => {
    const subscription = subscriptionOf(changes);
    expect(subscriptionWords(subscription)).toBe(words);
    expect([canCancel(subscription), canResume(subscription), isEnding(subscription)]).toEqual(shown);
  });

  it.each([{ status: 'trial' }, {}, { status: 'past_due' }, { endsAt: DAY }] as Partial<Subscription>[])(
    'in whole sentences, if Stripe has not told every day yet: %j',
    (changes) => {
      expect(subscriptionWords(subscriptionOf(changes))).toMatch(/^[A-Z][^–]+\.$/);
    },
  );

  it('A cancellation while past due leaves the open invoice due', () => {
    const words = (changes: Partial<Subscription>) => cancelWords(subscriptionOf(changes));
    expect(words({ status: 'past_due', graceEndsAt: GRACE })).toBe(
      'The subscription ends with this period. The open invoice stays due, and Stripe tries again to collect it.',
    );
    expect(words({ renewsAt: DAY })).toBe(
      'You keep Paid until December 22, 2026 (UTC). You are not charged again.',
    );
    expect(words({ status: 'trial', endsAt: DAY })).toBe(
      'You keep Paid until December 22, 2026 (UTC), when the trial ends. You are not charged.',
    );
    expect(words({})).toContain('until the period that you have paid for ends');
  });

  it('says what is charged next', () => {
    const nextCharge = { amount: 4_900, currency: 'usd', at: DAY };
    expect(chargeWords({ nextCharge })).toBe('$49 on December 22, 2026 (UTC)');
    expect(chargeWords({ nextCharge: null })).toBeNull();
  });

  it('says that a checkout is open, or its payment processing', () => {
    const openCheckout = { checkoutId: 'chk_1', status: 'open' } as const;
    expect(checkoutWords({ openCheckout })).toMatch(/have not paid yet.*select Upgrade to Paid/);
    expect(checkoutWords({ openCheckout: { ...openCheckout, status: 'processing' } })).toMatch(
      /^Your payment is processing.*cannot pay again\.$/,
    );
    expect(checkoutWords({ openCheckout: null })).toBeNull();
  });

  it.each([
    ['cancelled', true, 'Your subscription is cancelled.'],
    ['cancelled', false, undefined],
    ['resumed', false, 'Your subscription continues.'],
    ['resumed', true, undefined],
    ['toString', true, undefined],
    [null, true, undefined],
  ])('says that ?done=%s, if it holds', (done, isCancelling, words) => {
    expect(doneOf(done, { isCancelling })).toBe(words);
  });
});
