import { LRUCache } from 'lru-cache';
import { keyOf, type TenantDay } from './totals.ts';

/**
 * The last known calls of the other processes. Counts only grow, so the largest one seen in Redis or Postgres is the
 * best estimate.
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
