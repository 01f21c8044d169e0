import { randomUUID } from 'node:crypto';
import { epochDay } from '@sentryagent/workflows/rules/period';
import type { SharedClock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import type { Admission, Call } from './admission.ts';
import type { Attempt } from './attempt.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import type { AdmitCall, CounterRedis } from './scripts.ts';
import { readTotals } from './stored-totals.ts';
import { sumCounts, type TenantDay, type Total } from './totals.ts';
import { createUpToDateDays } from './up-to-date-days.ts';

export interface RedisCounterDeps {
  redis: CounterRedis;
  db: Database;
  own: OwnCounts;
  others: OtherCounts;
  clock: SharedClock;
}

export type RedisCounter = ReturnType<typeof createRedisCounter>;

/** The number of own totals per call to Redis. */
const PAGE = 500;
/** The first attempt, one after Redis has lost its data, and one on another day. */
const TRIES = 3;

const askOf = ({ limitKey, rateMax }: Call, attempt: Attempt | undefined, day: number): AdmitCall => {
  if (!attempt) return { limitKey, rateMax };
  const { tenantId, quota } = attempt;
  const bounds = { floor: attempt.floor(day), ceiling: attempt.ceiling(day) };
  return { limitKey, rateMax, usage: { tenantId, quota: quota ?? undefined, day, ...bounds } };
};

/**
 * Raises the totals in Redis to those of Postgres and this process. Returns the merged totals. Without Postgres: a 503.
 */
const mergeDay = async (
  { redis, db, own }: Pick<RedisCounterDeps, 'redis' | 'db' | 'own'>,
  day: TenantDay,
): Promise<Total[]> => {
  const stored = await readTotals(db, day).catch((error: unknown) => {
    throw unavailable(error);
  });
  return redis.merge([day], [...stored, own.total(day)]);
};

/** The counters in Redis. Every method rejects if Redis does not respond in time. */
export const createRedisCounter = ({ redis, db, own, others, clock }: RedisCounterDeps) => {
  const today = (): number => epochDay(clock.now());

  const bringUpToDate = (day: TenantDay): Promise<Total[]> => mergeDay({ redis, db, own }, day);
  const days = createUpToDateDays(bringUpToDate);
  let connection = 0;
  redis.onClose(() => {
    connection += 1;
    days.forgetAll();
  });

  return {
    /** The clock of Redis decides the day. If it is not the requested day, the call is repeated. */
    admit: async (call: Call, attempt: Attempt | undefined): Promise<Admission> => {
      let day = today();
      for (let tries = 0; tries < TRIES; tries++) {
        const asked = attempt && { tenantId: attempt.tenantId, day };
        const known = asked && days.ensure(asked);
        await known;
        const { outcome, remaining, resetMs, ...reply } = await redis.admit(askOf(call, attempt, day));
        const now = new Date(reply.now);
        day = epochDay(now);
        if (outcome === 'unseeded') {
          if (asked && known) days.forget(asked, known);
        } else if (outcome === 'other_day') {
          clock.saw(now);
        } else {
          if (outcome === 'allowed') attempt?.count(day, false);
          if (asked) others.saw(asked, reply.others);
          return { outcome, rate: { remaining, resetMs }, used: reply.used, now };
        }
      }
      throw new Error('Redis repeatedly lost its data during one request');
    },

    used: async (tenantId: string): Promise<number> =>
      sumCounts(await bringUpToDate({ tenantId, day: today() })),

    /** The mark of the data in Redis, and the number of live processes. */
    ping: async (): Promise<[mark: string, processes: number]> => {
      const [mark, processes, now] = await redis.pingCounters(randomUUID());
      clock.saw(new Date(now));
      return [`${mark} ${connection}`, processes];
    },

    /**
     * Redis has recovered or is a different one. Sends it the totals of this process. The counts of other processes are
     * in Postgres, and each day is loaded from there at its first call.
     */
    regained: async (): Promise<void> => {
      days.forgetAll();
      const totals = own.all();
      for (let from = 0; from < totals.length; from += PAGE)
        await redis.raise(totals.slice(from, from + PAGE));
    },

    forgetOld: (): void => days.forgetBefore(today() - 1),
  };
};
