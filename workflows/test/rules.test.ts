import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarMonth, dayOfEpoch, epochDay, nextUtcMidnight, utcDay } from '../src/rules/period.ts';
import { hardMaximum, hasRoom, shouldWarn } from '../src/rules/quota.ts';
import { tiers } from '../src/rules/tiers.ts';

const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });

describe('the tier catalogue', () => {
  it('has the promised numbers', () => {
    expect(tiers.free).toMatchObject({
      name: 'Free',
      limits: {
        agents: { max: 10, enforcement: 'hard' },
        apiCallsPerDay: { max: 1_000, enforcement: 'hard' },
      },
      creationsPerDay: 1_000,
      price: null,
    });
    expect(tiers.paid).toMatchObject({
      name: 'Paid',
      limits: { agents: { max: null }, apiCallsPerDay: { max: null } },
      creationsPerDay: 10_000,
      rateMultiplier: 10,
      price: { lookupKey: 'sentryagent_paid_monthly', amount: 4_900, currency: 'usd', interval: 'month' },
    });
  });

  it('names each row by its key', () => {
    for (const [id, tier] of Object.entries(tiers)) expect(tier.id).toBe(id);
  });
});

describe('a limit', () => {
  it.each([
    [{ max: 10, enforcement: 'hard' }, 9, true],
    [{ max: 10, enforcement: 'hard' }, 10, false],
    [{ max: 10, enforcement: 'hard' }, 11, false],
    [{ max: 10, enforcement: 'soft' }, 11, true],
    [{ max: null, enforcement: 'hard' }, 1_000_000, true],
  ] as const)('%o at %i has room: %s', (limit, used, room) => {
    expect(hasRoom(limit, used)).toBe(room);
  });

  it('that is soft refuses nothing', () => {
    expect(hardMaximum({ max: 10, enforcement: 'soft' })).toBeNull();
  });

  it('lets exactly its maximum through, however many ask', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(400), (max, asked) => {
        let used = 0;
        for (let i = 0; i < asked; i++) if (hasRoom({ max, enforcement: 'hard' }, used)) used += 1;
        expect(used).toBe(Math.min(max, asked));
      }),
    );
  });
});

describe('the warning', () => {
  it.each([
    [0, false],
    [799, false],
    [800, true],
    [1_000, true],
    [1_200, true],
  ])('at %i calls of the free tier is %s', (calls, warns) => {
    expect(shouldWarn(tiers.free, calls)).toBe(warns);
  });

  it('never comes on a tier without a limit', () => {
    expect(shouldWarn(tiers.paid, 1_000_000)).toBe(false);
  });
});

describe('a UTC day', () => {
  it.each([
    ['2026-11-23T23:59:59.999Z', '2026-11-23', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24T00:00:00.000Z', '2026-11-24', '2026-11-25T00:00:00.000Z'],
    ['2028-02-28T12:00:00.000Z', '2028-02-28', '2028-02-29T00:00:00.000Z'],
    ['2026-12-31T23:00:00.000Z', '2026-12-31', '2027-01-01T00:00:00.000Z'],
  ])('%s is of %s and ends at %s', (at, day, end) => {
    expect(utcDay(new Date(at))).toBe(day);
    expect(nextUtcMidnight(new Date(at)).toISOString()).toBe(end);
  });

  it('has a number that names it, and ends within 24 hours', () => {
    fc.assert(
      fc.property(instant, (at) => {
        expect(dayOfEpoch(epochDay(at))).toBe(utcDay(at));
        const left = nextUtcMidnight(at).getTime() - at.getTime();
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThanOrEqual(86_400_000);
      }),
    );
  });
});

describe('the calendar month', () => {
  it.each([
    ['2026-11-30T23:59:59.999Z', '2026-11-01', '2026-12-01'],
    ['2026-12-01T00:00:00.000Z', '2026-12-01', '2027-01-01'],
    ['2028-02-29T10:00:00.000Z', '2028-02-01', '2028-03-01'],
  ])('of %s is from %s to before %s', (at, start, end) => {
    const period = calendarMonth(new Date(at));
    expect([utcDay(period.start), utcDay(period.end)]).toEqual([start, end]);
  });

  it('holds the instant, and the next one begins where it ends', () => {
    fc.assert(
      fc.property(instant, (at) => {
        const { start, end } = calendarMonth(at);
        expect(start.getTime()).toBeLessThanOrEqual(at.getTime());
        expect(end.getTime()).toBeGreaterThan(at.getTime());
        expect(calendarMonth(end).start).toEqual(end);
      }),
    );
  });
});
