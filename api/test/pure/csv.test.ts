import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCsv } from '../../src/http/csv.ts';
import type { Cell } from '../../src/http/csv.ts';

/** RFC 4180 section 2, read by the letter. */
const parse = (text: string): string[][] => {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const [, quoted, plain, end] = cell.exec(text)!;
    row.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
};

const only = (cell: Cell): string => toCsv(['name'], [[cell]]).slice('name\r\n'.length, -2);

describe('CSV', () => {
  it('has a header row and ends each row with CRLF', () => {
    expect(toCsv(['day', 'count'], [])).toBe('day,count\r\n');
    expect(
      toCsv(
        ['day', 'count'],
        [
          ['2027-01-01', 0],
          [null, -7],
        ],
      ),
    ).toBe('day,count\r\n2027-01-01,0\r\n,-7\r\n');
  });

  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['a\r\nb', '"a\r\nb"'],
  ])('quotes only what needs it: %j', (text, written) => {
    expect(only(text)).toBe(written);
  });

  it.each([
    ['=HYPERLINK("https://evil.example","x")', `"'=HYPERLINK(""https://evil.example"",""x"")"`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', `"'\r=1"`],
    ['＝1', "'＝1"],
    ['＠x', "'＠x"],
    ['a;=1', "a;'=1"],
    ['a; -1;+1', "a; '-1;'+1"],
    ['a=1', 'a=1'],
    ['a-b; c@d', 'a-b; c@d'],
    ["'=1", "'=1"],
  ])('makes no formula of %j', (text, written) => {
    expect(only(text)).toBe(written);
  });

  it('reads back as it was written', () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('"', ',', '\r\n', '""', '\n', ''));
    const safe = cell.map((text) => text.replaceAll(/[=+\-@\t\r＝＋－＠]/g, 'x'));
    fc.assert(
      fc.property(fc.array(fc.array(safe, { minLength: 3, maxLength: 3 })), (rows) => {
        expect(parse(toCsv(['a', 'b', 'c'], rows))).toEqual([['a', 'b', 'c'], ...rows]);
      }),
    );
  });
});
