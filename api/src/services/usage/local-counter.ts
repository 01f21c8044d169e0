import type { Database } from '../../platform/database.ts';
import type { Admission, Call } from './admission.ts';
import { createLocalRate } from './local-rate.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import { readTotals, sumCounts } from './totals.ts';

export interface LocalCounterDeps {
  db: Database;
  own: OwnCounts;
  others: OtherCounts;
  processId: string;
  windowMs: number;
}

/**
 * What decides while Redis is away: this process's share of the rate limit, and the quota from Postgres' total plus
 * its own count. With Postgres away too, the last known total holds.
 */
export const createLocalCounter = ({ db, own, others, processId, windowMs }: LocalCounterDeps) => {
  const takeRate = createLocalRate(windowMs);

  /** What the other processes have counted, as far as Redis told or they have flushed it. */
  const countedByOthers = async (tenantId: string, day: number): Promise<number> => {
    if (others.isStale(tenantId, day)) {
      const totals = await readTotals(db, tenantId, day).catch(() => undefined);
      if (totals) others.read(tenantId, day, sumCounts(totals.filter(({ source }) => source !== processId)));
    }
    return others.get(tenantId, day);
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
