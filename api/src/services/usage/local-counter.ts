import type { Database } from '../../platform/database.ts';
import { keep } from '../../platform/keep.ts';
import type { Admission, Call } from './admission.ts';
import type { Attempt } from './attempt.ts';
import { createLocalRate } from './local-rate.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import { readTotals } from './stored-totals.ts';
import { sumCounts } from './totals.ts';
import type { TenantDay } from './totals.ts';

export interface LocalCounterDeps {
  db: Database;
  own: OwnCounts;
  others: OtherCounts;
  processId: string;
  windowMs: number;
}

/** How old Postgres' total may be that a decision in memory is made with. */
const STALE_MS = 1_000;

/**
 * What decides while Redis is away: this process's share of the rate limit, and the quota from Postgres' total plus
 * its own count. With Postgres away too, the last known total holds.
 */
export const createLocalCounter = ({ db, own, others, processId, windowMs }: LocalCounterDeps) => {
  const takeRate = createLocalRate(windowMs);
  const readOthers = keep(STALE_MS, async (tenantId: string, day: string) => {
    const totals = await readTotals(db, { tenantId, day: Number(day) });
    return sumCounts(totals.filter(({ source }) => source !== processId));
  });

  /** What the other processes have counted, as far as Redis told or it is in Postgres. */
  const countedByOthers = async (day: TenantDay): Promise<number> => {
    const stored = await readOthers(day.tenantId, String(day.day)).catch(() => undefined);
    if (stored !== undefined) others.saw(day, stored);
    return others.get(day);
  };

  return {
    admit: async (
      { limitKey, rateMax }: Call,
      attempt: Attempt | undefined,
      today: number,
      processes: number,
    ): Promise<Admission> => {
      const day = attempt && { tenantId: attempt.tenantId, day: today };
      const elsewhere = day ? await countedByOthers(day) : 0;
      const { allowed, ...rate } = await takeRate(limitKey, Math.max(1, Math.floor(rateMax / processes)));
      // Nothing waits from here on: no other call is counted between the decision and the count.
      const used = day ? elsewhere + own.get(day) : 0;
      if (!allowed) return { outcome: 'rate_limited', rate, used };
      if (!attempt) return { outcome: 'allowed', rate, used };
      if (attempt.quota !== null && used >= attempt.quota) return { outcome: 'quota_exceeded', rate, used };
      attempt.count(today, true);
      return { outcome: 'allowed', rate, used: used + 1 };
    },
    used: async (day: TenantDay): Promise<number> => (await countedByOthers(day)) + own.get(day),
  };
};
