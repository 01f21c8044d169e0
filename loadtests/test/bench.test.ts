import { describe, expect, it } from 'vitest';
import { bench } from './support/run-programs.ts';

describe('npm run bench', () => {
  it.each([
    ['no bench', [], 'Name one bench.'],
    ['an unknown bench', ['tokens'], 'There is no bench "tokens".'],
    ['an unknown flag', ['token', '--fast'], '--fast'],
    ['no number', ['token', '--rounds', 'many'], 'many is not a number above 0'],
  ])('says what it takes when given %s', async (_what, args, words) => {
    const { code, err } = await bench(args);
    expect(code).toBe(2);
    expect(err).toContain(words);
    expect(err).toContain('Usage: npm run bench');
  });
});
