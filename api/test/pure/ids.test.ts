import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isId, newId, timeOfId } from '../../src/platform/ids.ts';

const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Read with BigInt alone, as RFC 9562 writes it. */
const bitsOf = (id: string): string =>
  [...id.slice(4)]
    .reduce((value, character) => (value << 5n) | BigInt(ALPHABET.indexOf(character)), 0n)
    .toString(2)
    .padStart(128, '0');

describe('an id', () => {
  it('tells its time to the millisecond, and sorts by it', () => {
    fc.assert(
      fc.property(times, times, (one, other) => {
        const [a, b] = [newId('agt', one), newId('agt', other)];
        expect([timeOfId(a), timeOfId(b)]).toEqual([one, other]);
        if (one !== other) expect(a < b).toBe(one < other);
      }),
    );
  });

  it('is a UUIDv7: version 7, variant 2, and 74 bits that differ each time', () => {
    const all = Array.from({ length: 2_000 }, () => newId('evt', 1_800_000_000_000));
    expect(new Set(all).size).toBe(all.length);
    const bits = all.map(bitsOf);
    for (const each of bits) expect([each.slice(48, 52), each.slice(64, 66)]).toEqual(['0111', '10']);
    const free = [...Array(128).keys()].filter((n) => new Set(bits.map((each) => each[n])).size === 2);
    expect(free.length).toBe(74);
  });

  it.each([
    ['another prefix', 'crd_00000000000000000000000000'],
    ['no separator', 'agt00000000000000000000000000'],
    ['a character less', 'agt_0000000000000000000000000'],
    ['a character more', 'agt_000000000000000000000000000'],
    ['a letter that Crockford leaves out', 'agt_0000000000000000000000000u'],
    ['capitals', 'agt_0000000000000000000000000A'],
    ['a line break', 'agt_00000000000000000000000000\n'],
    ['something before it', ' agt_00000000000000000000000000'],
  ])('is none with %s', (_what, text) => {
    expect(isId('agt', text)).toBe(false);
    expect(isId('agt', newId('agt'))).toBe(true);
  });
});
