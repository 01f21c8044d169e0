import { randomUUID } from 'node:crypto';
import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import type { Admission, Call } from './admission.ts';
import type { OtherCounts } from './other-counts.ts';
import type { OwnCounts } from './own-counts.ts';
import type { AdmitReply, CounterRedis } from './scripts.ts';
import { readTotals, sumCounts, toTotals } from './totals.ts';
import type { Total } from './totals.ts';

export interface RedisCounterDeps {
  redis: CounterRedis;
  db: Database;
  own: OwnCounts;
  others: OtherCounts;
}

export type RedisCounter = ReturnType<typeof createRedisCounter>;

/** The counters in Redis. Every method rejects when Redis doesn't answer in time. */
export const createRedisCounter = ({ redis, db, own, others }: RedisCounterDeps) => {
  const raise = (tenantId: string, day: number, totals: readonly Total[], seeds: boolean): Promise<null> =>
    redis.raise(tenantId, day, seeds ? 1 : 0, ...totals.flatMap(({ source, count }) => [source, count]));

  /** An empty day is not trusted before Postgres' rows are in it. Without Postgres there is no answer: a 503. */
  const seed = async (tenantId: string, day: number): Promise<void> => {
    const totals = await readTotals(db, tenantId, day).catch((error: unknown) => {
      throw unavailable(error);
    });
    await raise(tenantId, day, totals, true);
  };

  const ask = ({ limitKey, rateMax, metered }: Call, today: number): Promise<AdmitReply> => {
    const { tenantId, quota } = metered ?? {};
    const floor = tenantId === undefined ? 0 : own.get(tenantId, today);
    return redis.admit({ limitKey, rateMax, tenantId, quota: quota ?? undefined, floorDay: today, floor });
  };

  return {
    admit: async (call: Call, today: number): Promise<Admission> => {
      let reply = await ask(call, today);
      if (reply.outcome === 'unseeded' && call.metered) {
        await seed(call.metered.tenantId, reply.day);
        reply = await ask(call, today);
      }
      const { outcome, remaining, resetMs, day, used } = reply;
      if (outcome === 'unseeded') throw new Error('Redis lost its data between two commands');
      if (call.metered && outcome !== 'rate_limited') {
        const { tenantId } = call.metered;
        if (outcome === 'allowed') own.add(tenantId, day, false);
        others.saw(tenantId, day, used - own.get(tenantId, day));
      }
      return { outcome, rate: { remaining, resetMs }, used };
    },

    used: async (tenantId: string, day: number): Promise<number> => {
      let fields = await redis.readDay(tenantId, day);
      if (fields.seeded === undefined) {
        await seed(tenantId, day);
        fields = await redis.readDay(tenantId, day);
      }
      return sumCounts(toTotals(tenantId, day, fields));
    },

    /** The mark of this Redis' data, and how many processes share it. */
    ping: () => redis.pingCounters(randomUUID()),

    raiseOwn: async (): Promise<void> => {
      for (const total of own.all()) await raise(total.tenantId, total.day, [total], false);
    },
  };
};
