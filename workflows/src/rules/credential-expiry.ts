import { DAY_MS } from './durations.ts';

/** Days before its expiry at which a credential is announced, ascending. */
export const NOTICE_DAYS = [1, 7, 30] as const;

export interface Notice {
  days: (typeof NOTICE_DAYS)[number];
  /** It is due for credentials that expire by then. */
  until: Date;
}

/**
 * The notices, seen from now. A credential gets the first one that is due, and each at most once: one that is made for
 * three days is not announced three times.
 */
export const noticesAt = (now: Date): Notice[] =>
  NOTICE_DAYS.map((days) => ({ days, until: new Date(now.getTime() + days * DAY_MS) }));
