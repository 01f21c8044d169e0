import { LRUCache } from 'lru-cache';
import type { Database } from '../../platform/database.ts';
import type { Admission, Call } from './admission.ts';
import { createLocalRate } from './local-rate.ts';
import type { OwnCounts } from './own-counts.ts';
import { readTotals, sumCounts } from './totals.ts';

export interface LocalCounterDeps {
  db: Database;
  own: OwnCounts;
  processId: string;
  windowMs: number;
}

/** Postgres' total is asked for at most this often per tenant. */
const OTHERS_TTL_MS = 1_000;

/**
 * What decides while Redis is away: this process's share of the rate limit, and the quota from Postgres' total plus
 * its own count. With Postgres away too, the last known total holds.
 */
export const createLocalCounter = ({ db, own, processId, windowMs }: LocalCounterDeps) => {
  const takeRate = createLocalRate(windowMs);
  const others = new LRUCache<string, { sum: number; at: number }>({ max: 10_000 });

  /** What the other processes have counted, as far as they have flushed it. */
  const countedByOthers = async (tenantId: string, day: number): Promise<number> => {
    const key = `${tenantId}|${day}`;
    const known = others.get(key);
    if (known && performance.now() - known.at < OTHERS_TTL_MS) return known.sum;
    try {
      const totals = await readTotals(db, tenantId, day);
      const sum = sumCounts(totals.filter(({ source }) => source !== processId));
      others.set(key, { sum, at: performance.now() });
      return sum;
    } catch {
      return known?.sum ?? 0;
    }
  };

  return {
    admit: async (
      { limitKey, rateMax, metered }: Call,
      day: number,
      processes: number,
    ): Promise<Admission> => {
      const { allowed, ...rate } = await takeRate(limitKey, Math.max(1, Math.floor(rateMax / processes)));
      if (!allowed) return { outcome: 'rate_limited', rate, used: 0 };
      if (!metered) return { outcome: 'allowed', rate, used: 0 };
      const { tenantId, quota } = metered;
      const elsewhere = await countedByOthers(tenantId, day);
      const used = elsewhere + own.get(tenantId, day);
      if (quota !== null && used >= quota) return { outcome: 'quota_exceeded', rate, used };
      own.add(tenantId, day, true);
      return { outcome: 'allowed', rate, used: used + 1 };
    },
    used: async (tenantId: string, day: number): Promise<number> =>
      (await countedByOthers(tenantId, day)) + own.get(tenantId, day),
  };
};
