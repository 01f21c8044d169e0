import { forget, remember } from '../../platform/remember.ts';
import { dayOfKey, keyOf, type TenantDay } from './totals.ts';

/** The days that this process has loaded from Postgres into Redis. */
export interface UpToDateDays {
  /** Loads a day once. Parallel callers wait for the same load. */
  ensure(day: TenantDay): Promise<unknown>;
  /** Forgets this load, so that the next `ensure` loads the day again. */
  forget(day: TenantDay, known: Promise<unknown>): void;
  forgetAll(): void;
  /** Drops days before this one. */
  forgetBefore(day: number): void;
}

export const createUpToDateDays = (bringUpToDate: (day: TenantDay) => Promise<unknown>): UpToDateDays => {
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
      for (const key of days.keys()) if (dayOfKey(key)!.day < before) days.delete(key);
    },
  };
};
