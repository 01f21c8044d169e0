import { DAY_MS } from './durations.ts';

export interface Period {
  start: Date;
  /** Exclusive. */
  end: Date;
}

/** `YYYY-MM-DD` of an instant. */
export const utcDay = (at: Date): string => at.toISOString().slice(0, 10);

/** The day's number since 1970-01-01. */
export const epochDay = (at: Date): number => Math.floor(at.getTime() / DAY_MS);

/** `YYYY-MM-DD` of a day's number. */
export const dayOfEpoch = (day: number): string => utcDay(new Date(day * DAY_MS));

/** The next midnight UTC after `at`, when daily limits reset. */
export const nextUtcMidnight = (at: Date): Date => new Date((epochDay(at) + 1) * DAY_MS);

/** Counts of a day that has ended arrive within a minute. So long after midnight UTC, all that can arrive have. */
const LATE_COUNTS_MS = 5 * 60_000;

/** How long to wait until a day that ended at the last midnight can be settled. 0: it can be settled now. */
export const untilSettleableMs = (now: Date): number =>
  Math.max(0, LATE_COUNTS_MS - (now.getTime() % DAY_MS));

/** Whole seconds from `now` until `at`, at least one. For `Retry-After`. */
export const secondsUntil = (at: Date, now: Date): number =>
  Math.max(1, Math.ceil((at.getTime() - now.getTime()) / 1_000));

/** The UTC calendar month of `at`: the period of a tenant on the free tier. */
export const calendarMonth = (at: Date): Period => ({
  start: new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1)),
  end: new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1)),
});
