import { createSharedClock } from '../../platform/clock.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import { newId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Redis } from '../../platform/redis.ts';
import type { Seen } from '../../platform/service-state.ts';
import type { Admission, Call } from './admission.ts';
import { createAttempts } from './attempt.ts';
import { createFlusher } from './flusher.ts';
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
  /** Decides nothing once the clock of Redis or Postgres has been read. */
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
  redisState(): Seen;
  /** Writes all counts to Postgres now. */
  flush(): Promise<void>;
  /** Writes a last time, all that this process ever counted among it: nobody else may get to it. */
  stop(): Promise<void>;
}

const PING_MS = 500;
/** How soon a process that has Redis and one that has none know of each other's counts. */
const KEEP_UP_MS = 1_000;

export const createMeter = ({ db, redis, clock, logger, config }: MeterDeps): Meter => {
  const processId = newId('api');
  const own = createOwnCounts(processId);
  const others = createOtherCounts();
  const startAttempt = createAttempts(own);
  const shape = {
    db,
    own,
    others,
    processId,
    windowMs: config.RATE_LIMIT_WINDOW_MS,
    clock: createSharedClock(clock),
  };
  const shared = redis && counterRedis(redis, config.RATE_LIMIT_WINDOW_MS, processId);
  const inRedis = shared && createRedisCounter({ ...shape, redis: shared });
  const link = redis && inRedis ? createRedisLink(redis, inRedis, logger) : noLink;
  const local = createLocalCounter(shape);
  const flusher = createFlusher({ db, logger, own, redis: shared, link });

  const flush = async (): Promise<void> => {
    await flusher.flush();
    own.forgetOld();
    inRedis?.forgetOld();
  };

  const stops = [
    every(PING_MS, logger, 'pinging redis', link.ping),
    every(KEEP_UP_MS, logger, 'flushing usage from memory', flusher.keepUp),
    every(config.USAGE_FLUSH_INTERVAL_MS, logger, 'flushing usage', flush),
  ];

  return {
    admit: async (call) => {
      const attempt = call.metered && startAttempt(call.metered);
      try {
        return await link.ask(
          (counter) => counter.admit(call, attempt),
          () => local.admit(call, attempt, link.processes()),
        );
      } finally {
        attempt?.end();
      }
    },
    usedToday: (tenantId) =>
      link.ask(
        (counter) => counter.used(tenantId),
        () => local.used(tenantId),
      ),
    redisState: link.state,
    flush,
    stop: async () => {
      for (const stop of stops) stop();
      own.markAllUnsynced();
      await flush();
    },
  };
};
