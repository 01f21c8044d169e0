import { randomUUID } from 'node:crypto';
import { epochDay } from '@sentryagent/workflows/rules/period';
import type { SharedClock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import type { Admission, Call } from './admission.ts';
import type { Attempt } from './attempt.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import type { AdmitCall, AdmitReply, CounterRedis } from './scripts.ts';
import { readTotals } from './stored-totals.ts';
import { sumCounts, type Counter, type Total } from './totals.ts';
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
  const { tenantId, quota, agentId, cap } = attempt;
  const bounds = { floor: attempt.floor(day), ceiling: attempt.ceiling(day) };
  const agent = agentId === undefined ? undefined : { agentId, cap, floor: attempt.floorOfAgent(day) };
  return { limitKey, rateMax, usage: { tenantId, quota: quota ?? undefined, day, ...bounds, agent } };
};

/** What a decision needs from Postgres: the tenant's day, and that of an agent with a cap. */
const countersOf = ({ tenantId, agentId, cap }: Attempt, day: number): Counter[] => [
  { tenantId, day },
  ...(cap === undefined ? [] : [{ tenantId, day, agentId }]),
];

type ReplyCounts = Omit<AdmitReply, 'outcome'>;

/** What other processes have counted, in the order of `countersOf`. */
const elsewhere = (reply: ReplyCounts): number[] => [reply.others, reply.othersOfAgent];

const countsOf = ({ remaining, resetMs, used, usedByAgent }: ReplyCounts) => ({
  rate: { remaining, resetMs },
  used,
  usedByAgent,
});

/**
 * Raises the totals in Redis to those of Postgres and this process. Returns the merged totals. Without Postgres: a 503.
 */
const mergeDay = async (
  { redis, db, own }: Pick<RedisCounterDeps, 'redis' | 'db' | 'own'>,
  day: Counter,
): Promise<Total[]> => {
  const stored = await readTotals(db, day).catch((error: unknown) => {
    throw unavailable(error);
  });
  return redis.merge([day], [...stored, own.total(day)]);
};

const raiseAll = async (redis: CounterRedis, totals: readonly Total[]): Promise<void> => {
  for (let from = 0; from < totals.length; from += PAGE) await redis.raise(totals.slice(from, from + PAGE));
};

/** The counters in Redis. Every method rejects if Redis does not respond in time. */
export const createRedisCounter = ({ redis, db, own, others, clock }: RedisCounterDeps) => {
  const today = (): number => epochDay(clock.now());

  const bringUpToDate = (day: Counter): Promise<Total[]> => mergeDay({ redis, db, own }, day);
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
        const asked = attempt ? countersOf(attempt, day) : [];
        const known = asked.map((counter) => days.ensure(counter));
        await Promise.all(known);
        const { outcome, ...reply } = await redis.admit(askOf(call, attempt, day));
        const now = new Date(reply.now);
        day = epochDay(now);
        if (outcome === 'unseeded') {
          for (const [place, counter] of asked.entries()) days.forget(counter, known[place]!);
        } else if (outcome === 'other_day') {
          clock.saw(now);
        } else {
          if (outcome === 'allowed') attempt?.count(day, false);
          for (const [place, counter] of asked.entries()) others.saw(counter, elsewhere(reply)[place]!);
          return { outcome, ...countsOf(reply), now };
        }
      }
      throw new Error('Redis repeatedly lost its data during one request');
    },

    used: async (tenantId: string): Promise<number> =>
      sumCounts(await bringUpToDate({ tenantId, day: today() })),

    /** The calls of today by agent that Redis has. */
    byAgent: (tenantId: string): Promise<Total[]> => redis.readAgents({ tenantId, day: today() }),

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
      await raiseAll(redis, own.all());
    },

    forgetOld: (): void => days.forgetBefore(today() - 1),
  };
};
