import { LRUCache } from 'lru-cache';
import { keyOf } from './totals.ts';
import type { TenantDay } from './totals.ts';

/**
 * The calls that the other processes have let through, as far as this one knows: counts only grow, so the largest
 * that was seen, in Redis' answers or in Postgres, is the nearest to the truth.
 */
export interface OtherCounts {
  get(day: TenantDay): number;
  saw(day: TenantDay, count: number): void;
}

export const createOtherCounts = (): OtherCounts => {
  const counts = new LRUCache<string, number>({ max: 10_000 });
  const get = (day: TenantDay): number => counts.get(keyOf(day)) ?? 0;
  return {
    get,
    saw: (day, count) => {
      counts.set(keyOf(day), Math.max(count, get(day)));
    },
  };
};
