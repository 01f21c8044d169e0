import { forget, remember } from '../../platform/remember.ts';
import { dayOfKey, keyOf } from './totals.ts';
import type { TenantDay } from './totals.ts';

/** The days of which Redis knows what Postgres knew, as far as this process has seen to it. */
export interface UpToDateDays {
  /** Sees to it once; who asks meanwhile waits for the same. The answer stands for that one time. */
  ensure(day: TenantDay): Promise<unknown>;
  /** What `ensure` answered holds no more. */
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
