import { describe, expect, it } from 'vitest';
import { line } from '../../src/http/text.ts';

describe('a line of text', () => {
  it.each([
    ['  a b  ', 'a b'],
    ['\u00a0a\u2003', 'a'],
    ['e\u0301', 'é'],
    ['نامه\u200cای', 'نامه\u200cای'],
    ['👩\u200d💻', '👩\u200d💻'],
    ['❤\ufe0f', '❤\ufe0f'],
    ['葛\u{e0100}', '葛\u{e0100}'],
    ['7', '7'],
    ['€', '€'],
    ['?', '?'],
  ])('%j is stored as %j', (text, stored) => {
    expect(line(1, 8).parse(text)).toBe(stored);
  });

  const INVISIBLE = 'must not contain control characters or invisible characters';
  const NOTHING = 'must contain a visible character';
  it.each([
    ...[
      '\0',
      '\n',
      '\x7f',
      '\u0085',
      '\u2028',
      '\u2029',
      '\u200b',
      '\u202e',
      '\u2060',
      '\ufeff',
      '\u00ad',
      '\ud800',
      '\u{e0041}',
      '\u3164',
    ].map((character): [string, string] => [`a${character}b`, INVISIBLE]),
    ['\u2800', NOTHING],
    ['\u200d', NOTHING],
    ['\u0301', NOTHING],
  ])('%j is refused', (text, words) => {
    expect(
      line(1, 8)
        .safeParse(text)
        .error?.issues.map(({ message }) => message),
    ).toEqual([words]);
  });

  it('has a length, in the form that is stored', () => {
    expect(line(0, 2).safeParse('').success).toBe(true);
    expect(
      [' ', 'a', 'abc', 'abcd', ' abc ', 'e\u0301e\u0301e\u0301'].map(
        (text) => line(2, 3).safeParse(text).success,
      ),
    ).toEqual([false, false, true, false, true, true]);
  });
});
