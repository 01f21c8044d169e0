import { expect, it } from 'vitest';
import { bannerOf } from '../src/lib/usage/banner.ts';
import { freeUsage, metric } from './usage-of.ts';

it.each([
  [0, 'none'],
  [799, 'none'],
  [800, 'warning'],
  [999, 'warning'],
  [1_000, 'stopped'],
  [1_037, 'stopped'],
] as const)('%i of 1,000 free calls: %s', (calls, banner) => {
  expect(bannerOf(freeUsage(calls))).toBe(banner);
});

it('says nothing to a paid tenant, however much it calls', () => {
  const { metrics } = freeUsage(0);
  const paid = freeUsage(0, {
    tier: 'paid',
    warning: false,
    metrics: { ...metrics, api_calls: metric(5_000_000) },
  });
  expect(bannerOf(paid)).toBe('none');
});
