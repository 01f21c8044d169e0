import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NOTICE_DAYS, announcedBefore, dueNotice } from '../src/rules/credential-expiry.ts';

const DAY = 86_400_000;
const now = new Date('2026-02-27T06:00:00Z');
const inDays = (days: number): Date => new Date(now.getTime() + days * DAY);

it.each([
  [31, null],
  [30.001, null],
  [30, 30],
  [7.001, 30],
  [7, 7],
  [1.001, 7],
  [1, 1],
  [0.001, 1],
  [0, null],
  [-1, null],
])('a credential that ends in %d days: %s', (days, notice) => {
  expect(dueNotice(inDays(days), now)).toBe(notice);
});

it('looked at every day, each end is announced three times, each once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 31 * DAY, max: 200 * DAY }), (leftMs) => {
      const ends = new Date(now.getTime() + leftMs);
      const seen = Array.from({ length: 202 }, (_, day) => dueNotice(ends, inDays(day)));
      expect([...new Set(seen.filter((notice) => notice !== null))]).toEqual(NOTICE_DAYS.toReversed());
    }),
  );
});

it('asks for nothing that is not to be announced yet', () => {
  expect(dueNotice(announcedBefore(now), now)).toBe(30);
  expect(dueNotice(new Date(announcedBefore(now).getTime() + 1), now)).toBeNull();
});
