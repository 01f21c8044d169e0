import { epochDay } from '@sentryagent/workflows/rules/period';
import type { SharedClock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { cached } from '../../platform/cached.ts';
import type { Admission, Call } from './admission.ts';
import type { Attempt } from './attempt.ts';
import { createLocalRate } from './local-rate.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import { readToday } from './stored-totals.ts';
import { sumCounts, type TenantDay } from './totals.ts';

export interface LocalCounterDeps {
  db: Database;
  own: OwnCounts;
  others: OtherCounts;
  processId: string;
  windowMs: number;
  clock: SharedClock;
}

/** The maximum age of the total from Postgres that a decision in memory uses. */
const STALE_MS = 1_000;

/**
 * Decides while Redis is unavailable: by this process's share of the rate limit, and by the total in Postgres plus its
 * own count. The day comes from the clock of Postgres. If Postgres is unavailable too, the last known total and time
 * are used.
 */
export const createLocalCounter = ({ db, own, others, processId, windowMs, clock }: LocalCounterDeps) => {
  const takeRate = createLocalRate(windowMs);
  const readOthers = cached(STALE_MS, async (tenantId: string) => {
    const { time, day, totals } = await readToday(db, tenantId);
    clock.saw(time);
    others.saw(day, sumCounts(totals.filter(({ source }) => source !== processId)));
    return true;
  });

  /** The tenant's current day, with the last known counts of the other processes from Redis or Postgres. */
  const lookAt = async (tenantId: string): Promise<{ now: Date; day: TenantDay; elsewhere: number }> => {
    await readOthers(tenantId).catch(() => undefined);
    const now = clock.now();
    const day = { tenantId, day: epochDay(now) };
    return { now, day, elsewhere: others.get(day) };
  };

  return {
    admit: async (
      { limitKey, rateMax }: Call,
      attempt: Attempt | undefined,
      processes: number,
    ): Promise<Admission> => {
      const seen = attempt && (await lookAt(attempt.tenantId));
      const { allowed, ...rate } = await takeRate(limitKey, Math.max(1, Math.floor(rateMax / processes)));
      // No `await` from here on, so no other call is counted between the decision and the count.
      const used = seen ? seen.elsewhere + own.get(seen.day) : 0;
      const admission = { rate, used, now: seen?.now ?? clock.now() };
      if (!allowed) return { ...admission, outcome: 'rate_limited' };
      if (!attempt || !seen) return { ...admission, outcome: 'allowed' };
      if (attempt.quota !== null && used >= attempt.quota) return { ...admission, outcome: 'quota_exceeded' };
      attempt.count(seen.day.day, true);
      return { ...admission, outcome: 'allowed', used: used + 1 };
    },
    used: async (tenantId: string): Promise<number> => {
      const { day, elsewhere } = await lookAt(tenantId);
      return elsewhere + own.get(day);
    },
  };
};
