import { epochDay } from '@sentryagent/workflows/rules/period';
import { createSharedClock, type Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import { newId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Redis } from '../../platform/redis.ts';
import type { Seen } from '../../platform/service-state.ts';
import type { Admission, Call } from './admission.ts';
import { createAttempts, type Attempt } from './attempt.ts';
import type { OnStored } from './flush-usage.ts';
import { createFlusher } from './flusher.ts';
import { createLocalCounter } from './local-counter.ts';
import { createOtherCounts } from './other-counts.ts';
import { createOwnCounts, type OwnCounts } from './own-counts.ts';
import { createRedisCounter, type RedisCounter } from './redis-counter.ts';
import { createRedisLink, noLink } from './redis-link.ts';
import { counterRedis } from './scripts.ts';
import type { Total } from './totals.ts';

export interface MeterDeps {
  db: Database;
  /** `undefined`: all limits are counted in memory. */
  redis: Redis | undefined;
  /** Used only until the clock of Redis or Postgres has been read. */
  clock: Clock;
  logger: Logger;
  config: { RATE_LIMIT_WINDOW_MS: number; USAGE_FLUSH_INTERVAL_MS: number };
  /** Called with days whose counts were just stored. */
  onStored?: OnStored | undefined;
}

/** Applies the rate limit and the quota, counts each call, and stores the counts in Postgres. */
export interface Meter {
  admit(call: Call): Promise<Admission>;
  /** The tenant's API calls of the current UTC day, in all processes. */
  usedToday(tenantId: string): Promise<number>;
  /** Those by agent and source that Redis has. Without Redis, all are in Postgres. */
  callsByAgent(tenantId: string): Promise<Total[]>;
  /** The last known state of Redis. */
  redisState(): Seen;
  /** Stores all counts in Postgres now. */
  flush(): Promise<void>;
  /** Stores all counts of this process a last time, because no other process may be able to. */
  stop(): Promise<void>;
}

const reasons = {
  rate_limited: 'refused_rate',
  agent_capped: 'refused_agent',
  quota_exceeded: 'refused_quota',
} as const;

const readByAgent = (tenantId: string) => (counter: RedisCounter) => counter.byAgent(tenantId);

/** Counts a call that was refused, in memory. */
const createRefusedCounts =
  (refused: OwnCounts) =>
  ({ tenantId }: Attempt, { outcome, now }: Admission): void => {
    if (outcome === 'allowed') return;
    refused.add({ tenantId, day: epochDay(now), refused: reasons[outcome] }, false);
  };

const PING_MS = 500;
/** How often processes with and without Redis exchange their counts. */
const KEEP_UP_MS = 1_000;

export const createMeter = ({ db, redis, clock, logger, config, onStored }: MeterDeps): Meter => {
  const processId = newId('api');
  const own = createOwnCounts(processId);
  const refused = createOwnCounts(processId);
  const others = createOtherCounts();
  const sharedClock = createSharedClock(clock);
  const countRefused = createRefusedCounts(refused);
  const startAttempt = createAttempts(own);
  const windowMs = config.RATE_LIMIT_WINDOW_MS;
  const shape = { db, own, others, processId, windowMs, clock: sharedClock };
  const shared = redis && counterRedis(redis, windowMs, processId);
  const inRedis = shared && createRedisCounter({ ...shape, redis: shared });
  const link = redis && inRedis ? createRedisLink(redis, inRedis, logger) : noLink;
  const local = createLocalCounter(shape);
  const flusher = createFlusher({ db, logger, own, refused, redis: shared, link, onStored });

  const flush = async (): Promise<void> => {
    await flusher.flush();
    own.forgetOld();
    refused.forgetOld();
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
        const admission = await link.ask(
          (counter) => counter.admit(call, attempt),
          () => local.admit(call, attempt, link.processes()),
        );
        if (attempt) countRefused(attempt, admission);
        return admission;
      } finally {
        attempt?.end();
      }
    },
    usedToday: (tenantId) =>
      link.ask(
        (counter) => counter.used(tenantId),
        () => local.used(tenantId),
      ),
    callsByAgent: (tenantId) => link.ask(readByAgent(tenantId), async () => []),
    redisState: link.state,
    flush,
    stop: async () => {
      for (const stop of stops) stop();
      own.markAllUnsynced();
      await flush();
    },
  };
};
