import { describe, expect, it } from 'vitest';
import { limitWords, needsPayment, planDate, planWords, priceWords } from '../src/lib/billing/plan.ts';

describe('Every subscription state reads as words', () => {
  it.each([
    ['never paid', 'free', 'active', null, null, 'Free, active', null],
    ['on trial', 'paid', 'trial', null, '2026-12-07T09:30:00Z', 'Paid, trial', 'Ends December 7, 2026 (UTC)'],
    [
      'paying',
      'paid',
      'active',
      '2026-12-22T09:30:00Z',
      null,
      'Paid, active',
      'Renews December 22, 2026 (UTC)',
    ],
    [
      'ending',
      'paid',
      'active',
      null,
      '2026-12-22T23:30:00Z',
      'Paid, active',
      'Ends December 22, 2026 (UTC)',
    ],
    ['past due', 'paid', 'past_due', null, null, 'Paid, past due', null],
    ['unpaid after the grace', 'free', 'payment_failed', null, null, 'Free, payment failed', null],
    ['paused', 'free', 'paused', null, null, 'Free, paused', null],
    ['ended', 'free', 'cancelled', null, null, 'Free, cancelled', null],
  ] as const)('a tenant that is %s', (_case, tier, status, renewsAt, endsAt, words, date) => {
    expect([planWords({ tier, status }), planDate({ renewsAt, endsAt })]).toEqual([words, date]);
  });

  it.each([
    ['past_due', true],
    ['payment_failed', true],
    ['paused', true],
    ['active', false],
    ['trial', false],
    ['cancelled', false],
    [undefined, false],
  ] as const)('%s has the button Fix payment: %s', (status, needs) => {
    expect(needsPayment(status)).toBe(needs);
  });
});

it('says the end before the renewal', () => {
  const dates = { renewsAt: '2026-12-01T09:30:00Z', endsAt: '2026-12-07T09:30:00Z' };
  expect(planDate(dates)).toBe('Ends December 7, 2026 (UTC)');
});

it('says what a tier costs, if it costs', () => {
  expect(priceWords({ price: { amount: 4_900, currency: 'usd', interval: 'month' } })).toBe('$49 a month');
  expect(priceWords({ price: null })).toBeNull();
});

it.each([
  [10, 1_000, '10 active agents and 1,000 API calls a day.'],
  [null, 1_000, 'Unlimited active agents and 1,000 API calls a day.'],
  [10, null, '10 active agents and unlimited API calls a day.'],
  [null, null, 'Unlimited agents and API calls.'],
])('says the limits %s and %s', (agents, apiCallsPerDay, words) => {
  expect(limitWords({ limits: { agents, apiCallsPerDay } })).toBe(words);
});
