import { randomUUID } from 'node:crypto';
import { dayOfEpoch, epochDay } from '@sentryagent/workflows/rules/period';
import type { SharedClock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import type { Admission, Call } from './admission.ts';
import type { Attempt } from './attempt.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import type { AdmitCall, CounterRedis } from './scripts.ts';
import { readTotals } from './stored-totals.ts';
import { sumCounts } from './totals.ts';
import type { TenantDay, Total } from './totals.ts';
import { createUpToDateDays } from './up-to-date-days.ts';

export interface RedisCounterDeps {
  redis: CounterRedis;
  db: Database;
  own: OwnCounts;
  others: OtherCounts;
  clock: SharedClock;
}

export type RedisCounter = ReturnType<typeof createRedisCounter>;

/** Own totals that one call to Redis raises. */
const PAGE = 500;
/** The call itself, once more after Redis lost its data, once more on another day. */
const TRIES = 3;

const askOf = ({ limitKey, rateMax }: Call, attempt: Attempt | undefined, day: number): AdmitCall => {
  if (!attempt) return { limitKey, rateMax };
  const { tenantId, quota } = attempt;
  const bounds = { floor: attempt.floor(day), ceiling: attempt.ceiling(day) };
  return { limitKey, rateMax, usage: { tenantId, quota: quota ?? undefined, day, ...bounds } };
};

/** Raises Redis to what Postgres and this process know of the day; answers all together. Without Postgres: a 503. */
const mergeDay = async (
  { redis, db, own }: Pick<RedisCounterDeps, 'redis' | 'db' | 'own'>,
  day: TenantDay,
): Promise<Total[]> => {
  const stored = await readTotals(db, day).catch((error: unknown) => {
    throw unavailable(error);
  });
  return redis.merge([day], [...stored, own.total(day)]);
};

/** The counters in Redis. Every method rejects when Redis doesn't answer in time. */
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
    /** Redis decides the day, too: another one than that which was asked for is asked for anew. */
    admit: async (call: Call, attempt: Attempt | undefined): Promise<Admission> => {
      let day = today();
      for (let tries = 0; tries < TRIES; tries++) {
        const asked = attempt && { tenantId: attempt.tenantId, day };
        const known = asked && days.ensure(asked);
        await known;
        const { outcome, remaining, resetMs, ...reply } = await redis.admit(askOf(call, attempt, day));
        day = reply.day;
        if (outcome === 'unseeded') {
          if (asked && known) days.forget(asked, known);
        } else if (outcome === 'other_day') {
          // Of the time only the day is known; the next ping tells the rest.
          clock.saw(new Date(dayOfEpoch(day)));
        } else {
          if (outcome === 'allowed') attempt?.count(day, false);
          if (asked) others.saw(asked, reply.others);
          return { outcome, rate: { remaining, resetMs }, used: reply.used };
        }
      }
      throw new Error('Redis repeatedly lost its data during one request');
    },

    used: async (tenantId: string): Promise<number> =>
      sumCounts(await bringUpToDate({ tenantId, day: today() })),

    /** The mark of this Redis' data, as this connection sees it, and how many processes share it. */
    ping: async (): Promise<[mark: string, processes: number]> => {
      const [mark, processes, now] = await redis.pingCounters(randomUUID());
      clock.saw(new Date(now));
      return [`${mark} ${connection}`, processes];
    },

    /**
     * Redis answers again, or is another than before. It is told this process's totals; what others counted meanwhile,
     * or had counted, is in Postgres, and read from there at the first call for each tenant's day.
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
