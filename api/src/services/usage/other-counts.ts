import { LRUCache } from 'lru-cache';
import { keyOf, type Counter } from './totals.ts';

/**
 * The last known calls of the other processes. Counts only grow, so the largest one seen in Redis or Postgres is the
 * best estimate.
 */
export interface OtherCounts {
  get(counter: Counter): number;
  saw(counter: Counter, count: number): void;
}

export const createOtherCounts = (): OtherCounts => {
  const counts = new LRUCache<string, number>({ max: 10_000 });
  const get = (counter: Counter): number => counts.get(keyOf(counter)) ?? 0;
  return {
    get,
    saw: (counter, count) => {
      counts.set(keyOf(counter), Math.max(count, get(counter)));
    },
  };
};
