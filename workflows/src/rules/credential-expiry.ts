import { DAY_MS } from './durations.ts';

/** Days before the expiry at which a notice is due, ascending. */
export const NOTICE_DAYS = [1, 7, 30] as const;

export interface Notice {
  days: (typeof NOTICE_DAYS)[number];
  /** The notice is due for credentials that expire by this time. */
  until: Date;
}

/**
 * The notices with their times, relative to `now`. A credential gets the first due notice, and each at most once. So a
 * credential that is valid for three days gets one notice, not three.
 */
export const noticesAt = (now: Date): Notice[] =>
  NOTICE_DAYS.map((days) => ({ days, until: new Date(now.getTime() + days * DAY_MS) }));
