import { expect, it } from 'vitest';
import { planDate, planWords } from '../src/lib/billing/plan.ts';

it.each([
  ['free', 'active', 'Free, active'],
  ['paid', 'trial', 'Paid, trial'],
  ['paid', 'active', 'Paid, active'],
  ['paid', 'past_due', 'Paid, past due'],
  ['free', 'cancelled', 'Free, cancelled'],
] as const)('%s and %s reads "%s"', (tier, status, words) => {
  expect(planWords({ tier, status })).toBe(words);
});

it.each([
  [null, null, null],
  ['2026-12-01T09:30:00Z', null, 'Renews December 1, 2026 (UTC)'],
  [null, '2026-12-07T23:30:00Z', 'Ends December 7, 2026 (UTC)'],
  ['2026-12-01T09:30:00Z', '2026-12-07T09:30:00Z', 'Ends December 7, 2026 (UTC)'],
])('renewal %s, end %s: %s', (renewsAt, endsAt, words) => {
  expect(planDate({ renewsAt, endsAt })).toBe(words);
});
