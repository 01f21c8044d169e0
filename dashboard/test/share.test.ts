import { expect, it } from 'vitest';
import { shareWords } from '../src/lib/usage/share.ts';

it.each([
  [250, 1_000, '25 %'],
  [0, 1_000, '0 %'],
  [1, 1_000, '< 1 %'],
  [10, 1_000, '1 %'],
  [999, 1_000, '99 %'],
  [1_000, 1_000, '100 %'],
  [1_037, 1_000, '100 %'],
  [1, 3, '33 %'],
  [0, 0, '0 %'],
  [NaN, 1_000, '–'],
  [5, NaN, '–'],
])('%i of %i is %s', (part, whole, words) => {
  expect(shareWords(part, whole)).toBe(words);
});
