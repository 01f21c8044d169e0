import { forget, remember } from '../../platform/remember.ts';
import { keyOf, type Counter } from './totals.ts';

/** The days of tenants and agents that this process has loaded from Postgres into Redis. */
export interface UpToDateDays {
  /** Loads a day once. Parallel callers wait for the same load. */
  ensure(day: Counter): Promise<unknown>;
  /** Forgets this load, so that the next `ensure` loads the day again. */
  forget(day: Counter, known: Promise<unknown>): void;
  forgetAll(): void;
  /** Drops days before this one. */
  forgetBefore(day: number): void;
}

export const createUpToDateDays = (bringUpToDate: (day: Counter) => Promise<unknown>): UpToDateDays => {
  let days = new Map<string, Promise<unknown>>();
  return {
    ensure: (day) => {
      const key = keyOf(day);
      return days.get(key) ?? remember(days, key, bringUpToDate(day), () => true);
    },
    forget: (day, known) => forget(days, keyOf(day), known),
    forgetAll: () => {
      days = new Map();
    },
    forgetBefore: (before) => {
      for (const key of days.keys()) if (Number(key.split('|')[1]) < before) days.delete(key);
    },
  };
};
