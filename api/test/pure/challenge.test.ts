import { describe, expect, it } from 'vitest';
import { challenge, quoted } from '../../src/http/challenge.ts';

describe('a challenge', () => {
  it.each([
    ['plain', '"plain"'],
    ['a "b" \\ c', '"a \\"b\\" \\\\ c"'],
    ['tab\tand\r\nlines', '"tab\tand  lines"'],
    ['’é\u0000', '"   "'],
    ['', '""'],
  ])('has quoted-strings of RFC 9110 section 5.6.4: %j', (text, expected) => {
    expect(quoted(text)).toBe(expected);
    expect(challenge('Bearer', { error: undefined, scope: text })).toBe(
      `Bearer realm="sentryagent", scope=${expected}`,
    );
  });
});
