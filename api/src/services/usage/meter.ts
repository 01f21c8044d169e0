import { epochDay } from '@sentryagent/workflows/rules/period';
import type { Redis } from 'ioredis';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import { newId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ServiceState } from '../../platform/service-state.ts';
import type { Admission, Call } from './admission.ts';
import { flushOwn, flushRedis } from './flush-usage.ts';
import { createLocalCounter } from './local-counter.ts';
import { createOtherCounts } from './other-counts.ts';
import { createOwnCounts } from './own-counts.ts';
import { createRedisCounter } from './redis-counter.ts';
import { createRedisLink, noLink } from './redis-link.ts';
import { counterRedis } from './scripts.ts';

export interface MeterDeps {
  db: Database;
  /** Absent: everything is decided in memory. */
  redis: Redis | undefined;
  clock: Clock;
  logger: Logger;
  config: { RATE_LIMIT_WINDOW_MS: number; USAGE_FLUSH_INTERVAL_MS: number };
}

/** Rate limit, quota and count of each call, in one step; and the way of the counts into Postgres. */
export interface Meter {
  admit(call: Call): Promise<Admission>;
  /** The tenant's API calls of the UTC day so far, over all processes. */
  usedToday(tenantId: string): Promise<number>;
  /** What Redis was when it was last asked. */
  redisState(): ServiceState;
  /** Writes all counts to Postgres now. */
  flush(): Promise<void>;
  /** Flushes a last time. */
  stop(): Promise<void>;
}

const PING_MS = 500;
const OWN_FLUSH_MS = 1_000;

export const createMeter = ({ db, redis, clock, logger, config }: MeterDeps): Meter => {
  const processId = newId('api');
  const own = createOwnCounts(processId);
  const others = createOtherCounts();
  const shape = { db, own, others, processId, windowMs: config.RATE_LIMIT_WINDOW_MS };
  const shared = redis && counterRedis(redis, config.RATE_LIMIT_WINDOW_MS, processId);
  const link =
    redis && shared
      ? createRedisLink(redis, createRedisCounter({ ...shape, redis: shared }), logger)
      : noLink;
  const local = createLocalCounter(shape);
  const today = (): number => epochDay(clock());

  const flush = async (): Promise<void> => {
    await flushOwn(db, own);
    if (shared && link.isClosed()) await flushRedis(db, shared);
    own.forgetBefore(today() - 1);
  };

  const stops = [
    every(PING_MS, logger, 'the ping of redis', link.ping),
    every(OWN_FLUSH_MS, logger, 'the flush of usage kept in memory', () => flushOwn(db, own)),
    every(config.USAGE_FLUSH_INTERVAL_MS, logger, 'the flush of usage', flush),
  ];

  return {
    admit: (call) =>
      link.ask(
        (counter) => counter.admit(call, today()),
        () => local.admit(call, today(), link.processes()),
      ),
    usedToday: (tenantId) =>
      link.ask(
        (counter) => counter.used(tenantId, today()),
        () => local.used(tenantId, today()),
      ),
    redisState: link.state,
    flush,
    stop: async () => {
      for (const stop of stops) stop();
      await flush();
    },
  };
};
