import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitReachedAt, paceWords } from '../src/lib/usage/pace.ts';

const resetsAt = '2026-11-24T00:00:00.000Z';
const calls = (today: number, limit: number | null = 1_000) => ({ today, period: today, limit, resetsAt });
const at = (time: string) => new Date(`2026-11-23T${time}Z`);

describe('The pace says when the limit is reached', () => {
  it.each([
    [820, '12:50:00', 'At this pace you reach 1,000 at about 15:40 UTC.'],
    [500, '06:00:00', 'At this pace you reach 1,000 at about 12:00 UTC.'],
    [10, '00:10:00', 'At this pace you reach 1,000 at about 16:40 UTC.'],
    [999, '20:00:00', 'At this pace you reach 1,000 at about 20:05 UTC.'],
    [600, '14:20:00', 'At this pace you reach 1,000 at about 23:55 UTC.'],
  ])('%i calls by %s: %s', (today, time, words) => {
    expect(paceWords(calls(today), at(time))).toBe(words);
  });
});

describe('A pace that is chance is not said', () => {
  it.each([
    ['the limit is reached', calls(1_000), '12:00:00'],
    ['the limit is exceeded', calls(1_037), '12:00:00'],
    ['it would be reached at the reset', calls(500), '12:00:00'],
    ['it would be reached after the reset', calls(250), '18:48:00'],
    ['fewer than 10 calls have passed', calls(9), '00:10:00'],
    ['fewer than 10 minutes have passed', calls(500), '00:09:59'],
    ['nothing is counted', calls(0), '12:00:00'],
    ['there is no limit', calls(5_000, null), '12:00:00'],
    ['the limit never resets', { ...calls(500), resetsAt: null }, '06:00:00'],
  ])('if %s', (_case, usage, time) => {
    expect(paceWords(usage, at(time))).toBeNull();
  });
});

it('is always after the count and before the reset, and sooner with more calls', () => {
  const minute = fc.integer({ min: 0, max: 1_439 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_100 }),
      fc.integer({ min: 1, max: 100 }),
      minute,
      (today, more, m) => {
        const asOf = new Date(Date.parse(resetsAt) - 86_400_000 + m * 60_000);
        const reached = limitReachedAt(calls(today), asOf);
        const sooner = limitReachedAt(calls(today + more), asOf);
        if (reached) {
          expect(reached.getTime()).toBeGreaterThan(asOf.getTime());
          expect(reached.toISOString() < resetsAt).toBe(true);
          if (today + more < 1_000) expect(sooner!.getTime()).toBeLessThanOrEqual(reached.getTime());
        }
      },
    ),
  );
});
