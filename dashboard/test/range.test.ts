import { expect, it } from 'vitest';
import { rangeOf, spanOf } from '../src/lib/usage/range.ts';
import type { Range } from '../src/lib/usage/range.ts';
import { freeUsage } from './usage-of.ts';

it.each([
  ['today', 'today'],
  ['7d', '7d'],
  ['period', 'period'],
  ['30d', 'period'],
  ['', 'period'],
  [null, 'period'],
])('?range=%s is %s', (param, range) => {
  expect(rangeOf(param)).toBe(range);
});

it.each<[Range, string, string, string]>([
  ['today', '2026-11-23', '2026-11-01T00:00:00Z', '2026-11-23'],
  ['7d', '2026-11-23', '2026-11-01T00:00:00Z', '2026-11-17'],
  ['7d', '2027-01-03', '2027-01-01T00:00:00Z', '2026-12-28'],
  ['period', '2026-11-23', '2026-11-01T00:00:00Z', '2026-11-01'],
  ['period', '2026-11-23', '2026-10-24T14:32:10Z', '2026-10-24'],
  ['period', '2026-11-01', '2026-11-01T00:00:00Z', '2026-11-01'],
  // Stripe's clock can be ahead of the server's.
  ['period', '2026-11-23', '2026-11-24T00:00:01Z', '2026-11-23'],
])('%s on %s, in a period from %s, starts on %s', (range, day, start, from) => {
  const usage = freeUsage(0, { day, period: { start, end: '2027-02-01T00:00:00Z' } });
  expect(spanOf(range, usage)).toEqual({ from, to: day });
});
