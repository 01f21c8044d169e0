import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  formatDay,
  formatDayOfMonth,
  formatLongWeekday,
  formatPeriod,
  formatShortDay,
  formatTime,
  formatWeekday,
} from '../src/lib/format/dates.ts';
import { formatMoney, formatNumber, plural } from '../src/lib/format/numbers.ts';

it('groups thousands', () => {
  expect(formatNumber(1_234_567)).toBe('1,234,567');
});

it.each([
  [0, 'agents'],
  [1, 'agent'],
  [2, 'agents'],
])('%i %s', (count, words) => {
  expect(plural(count, 'agent')).toBe(words);
});

it.each([
  [4_900, 'usd', '$49'],
  [4_950, 'usd', '$49.50'],
  [0, 'usd', '$0'],
  [4_900, 'eur', '€49'],
  [4_900, 'jpy', '¥4,900'],
  [4_900, 'kwd', 'KWD\u00a04.900'],
  [680_000, 'isk', 'ISK\u00a06,800'],
  [18_000_000, 'ugx', 'UGX\u00a0180,000'],
])('Amounts have the decimals of Stripe: %i minor units of %s are %s', (amount, currency, words) => {
  expect(formatMoney(amount, currency)).toBe(words);
});

it('tells days and times in UTC', () => {
  expect(formatDay('2026-12-01T00:30:00+02:00')).toBe('November 30, 2026');
  expect(formatShortDay('2026-11-23T23:59:59Z')).toBe('Nov 23, 2026');
  expect(formatTime('2026-11-23T14:02:59Z')).toBe('14:02');
  expect(formatDayOfMonth('2026-11-24')).toBe('Nov 24');
  expect(formatWeekday('2026-11-24')).toBe('Tue, Nov 24');
  expect(formatLongWeekday('2026-11-24T23:59:59Z')).toBe('Tuesday, November 24');
});

it.each([
  ['2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z', 'Nov 1 – 30, 2026'],
  ['2026-12-15T00:00:00Z', '2027-01-15T00:00:00Z', 'Dec 15, 2026 – Jan 14, 2027'],
])('a period from %s to before %s is %s', (start, end, words) => {
  expect(formatPeriod({ start, end }).replace(/\u2009/g, ' ')).toBe(words);
});

/** What a program prints for a number or a time that is none. */
const BROKEN = /NaN|Infinity|∞|Invalid|undefined|null|-0(?!\.|\d)/;

it('A page never shows a number or a time that is none: of any number', () => {
  const number = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e308, 2 ** 53));
  fc.assert(
    fc.property(number, fc.constantFrom('usd', 'jpy', 'kwd'), (value, currency) => {
      for (const words of [formatNumber(value), formatMoney(value, currency)]) {
        expect(words).not.toMatch(BROKEN);
        expect(words === '–').toBe(!Number.isFinite(value));
      }
      expect(plural(value, 'call')).toMatch(/^calls?$/);
    }),
  );
});

it('A page never shows a number or a time that is none: of any text', () => {
  const iso = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const text = fc.oneof(iso, fc.string(), fc.constantFrom('', '2026-13-01', '2026-02-30T00:00:00Z', 'null'));
  fc.assert(
    fc.property(text, text, (start, end) => {
      for (const format of [
        formatDay,
        formatShortDay,
        formatDayOfMonth,
        formatWeekday,
        formatLongWeekday,
        formatTime,
      ]) {
        expect(format(start)).not.toMatch(BROKEN);
        expect(format(start) === '–').toBe(Number.isNaN(Date.parse(start)));
      }
      expect(formatPeriod({ start, end })).not.toMatch(BROKEN);
    }),
  );
});
