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
import { sumCounts, type Counter } from './totals.ts';

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
  const readOthers = cached(STALE_MS, async (tenantId: string, agentId?: string) => {
    const { time, day, totals } = await readToday(db, { tenantId, agentId });
    clock.saw(time);
    others.saw(day, sumCounts(totals.filter(({ source }) => source !== processId)));
    return true;
  });

  /**
   * The calls of the tenant's or the agent's current day: those of this process, and the last known ones of the others
   * from Redis or Postgres. The function reads them from memory.
   */
  const lookAt = async (
    tenantId: string,
    agentId?: string,
  ): Promise<{ now: Date; day: number; used(): number }> => {
    await (agentId === undefined ? readOthers(tenantId) : readOthers(tenantId, agentId)).catch(
      () => undefined,
    );
    const now = clock.now();
    const counter: Counter = { tenantId, day: epochDay(now), agentId };
    return { now, day: counter.day, used: () => others.get(counter) + own.get(counter) };
  };

  return {
    admit: async (
      { limitKey, rateMax }: Call,
      attempt: Attempt | undefined,
      processes: number,
    ): Promise<Admission> => {
      const seen = attempt && (await lookAt(attempt.tenantId));
      const cap = attempt?.cap;
      const seenOfAgent = cap === undefined ? undefined : await lookAt(attempt!.tenantId, attempt!.agentId);
      const { allowed, ...rate } = await takeRate(limitKey, Math.max(1, Math.floor(rateMax / processes)));
      // No `await` from here on, so no other call is counted between the decision and the count.
      const counts = {
        ...{ rate, used: seen?.used() ?? 0, usedByAgent: seenOfAgent?.used() ?? 0 },
        now: seen?.now ?? clock.now(),
      };
      if (!allowed) return { outcome: 'rate_limited', ...counts };
      if (!attempt || !seen) return { outcome: 'allowed', ...counts };
      if (cap !== undefined && counts.usedByAgent >= cap) return { outcome: 'agent_capped', ...counts };
      if (attempt.quota !== null && counts.used >= attempt.quota)
        return { outcome: 'quota_exceeded', ...counts };
      attempt.count(seen.day, true);
      return { outcome: 'allowed', ...counts, used: counts.used + 1, usedByAgent: counts.usedByAgent + 1 };
    },
    used: async (tenantId: string): Promise<number> => (await lookAt(tenantId)).used(),
  };
};
