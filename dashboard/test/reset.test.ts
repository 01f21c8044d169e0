import { expect, it } from 'vitest';
import { resetWords } from '../src/lib/usage/reset.ts';

const midnight = '2026-11-24T00:00:00.000Z';

it.each([
  ['2026-11-23T18:48:00Z', 'in 5 h 12 m (00:00 UTC)'],
  ['2026-11-23T18:48:30Z', 'in 5 h 12 m (00:00 UTC)'],
  ['2026-11-23T19:00:00Z', 'in 5 h (00:00 UTC)'],
  ['2026-11-23T00:00:00Z', 'in 24 h (00:00 UTC)'],
  ['2026-11-23T23:17:00Z', 'in 43 m (00:00 UTC)'],
  ['2026-11-23T23:59:59Z', 'in 1 m (00:00 UTC)'],
  ['2026-11-24T00:00:00Z', 'at 00:00 UTC'],
  ['2026-11-24T00:00:30Z', 'at 00:00 UTC'],
])('at %s a limit that opens at midnight resets %s', (now, words) => {
  expect(resetWords(midnight, new Date(now))).toBe(words);
});
