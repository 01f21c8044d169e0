import { LRUCache } from 'lru-cache';

/**
 * The calls that the other processes have let through, as far as this one knows: counts only grow, so the largest
 * that was seen, in Redis' answers or in Postgres, is the nearest to the truth.
 */
export interface OtherCounts {
  get(tenantId: string, day: number): number;
  /** Redis told. */
  saw(tenantId: string, day: number, count: number): void;
  /** Postgres told. */
  read(tenantId: string, day: number, count: number): void;
  /** Whether Postgres has not told within the last second. */
  isStale(tenantId: string, day: number): boolean;
}

const STALE_MS = 1_000;

export const createOtherCounts = (): OtherCounts => {
  const counts = new LRUCache<string, { count: number; readAt: number }>({ max: 10_000 });
  const entry = (tenantId: string, day: number) =>
    counts.get(`${tenantId}|${day}`) ?? { count: 0, readAt: Number.NEGATIVE_INFINITY };
  const raise = (tenantId: string, day: number, count: number, readAt: number): void => {
    counts.set(`${tenantId}|${day}`, { count: Math.max(count, entry(tenantId, day).count), readAt });
  };
  return {
    get: (tenantId, day) => entry(tenantId, day).count,
    saw: (tenantId, day, count) => raise(tenantId, day, count, entry(tenantId, day).readAt),
    read: (tenantId, day, count) => raise(tenantId, day, count, performance.now()),
    isStale: (tenantId, day) => performance.now() - entry(tenantId, day).readAt > STALE_MS,
  };
};
