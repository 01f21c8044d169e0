import type { Logger } from '../../platform/logger.ts';
import { Problem } from '../../platform/problem.ts';
import { isRefusal, type Redis } from '../../platform/redis.ts';
import type { Seen } from '../../platform/service-state.ts';
import type { RedisCounter } from './redis-counter.ts';

/** Three failures in a row open the circuit. A refusal opens it immediately. */
const THRESHOLD = 3;
/** After a refusal, the connection is replaced. For this time the state is `degraded`, not `disconnected`. */
const REFUSAL_LASTS_MS = 2_000;

/**
 * The circuit breaker between this process and the counters in Redis. While it is open, no call waits for Redis. A
 * successful ping closes it. The ping writes, so a read-only Redis keeps it open.
 */
export interface RedisLink {
  /** Calls Redis, or the fallback if Redis is unavailable. */
  ask<T>(question: (counter: RedisCounter) => Promise<T>, otherwise: () => Promise<T>): Promise<T>;
  /** Pings Redis. If Redis has lost its data or was unavailable, sends the totals of this process. */
  ping(): Promise<void>;
  isClosed(): boolean;
  /** The last known state of Redis. */
  state(): Seen;
  /** The last known number of live processes that share the limits. */
  processes(): number;
}

/** The link if Redis is not configured. */
export const noLink: RedisLink = {
  ask: (_question, otherwise) => otherwise(),
  ping: async () => {},
  isClosed: () => false,
  state: () => ({ state: 'disabled' }),
  processes: () => 1,
};

const createCircuit = (redis: Redis, logger: Logger) => {
  let failures = 0;
  let refusedAt = -Infinity;
  let cause: unknown;

  const isClosed = (): boolean => failures < THRESHOLD;
  const failed = (error: unknown): void => {
    const wasClosed = isClosed();
    const isRefused = isRefusal(error);
    if (isRefused) refusedAt = performance.now();
    failures = isRefused ? THRESHOLD : failures + 1;
    // Without a connection, all commands fail with the same error. The error of the connection says more.
    if (isRefused || redis.status === 'ready') cause = error;
    if (!wasClosed || isClosed()) return;
    const what = isRefused ? 'refuses commands' : 'does not answer';
    logger.warn({ err: cause }, `redis ${what}; limits are counted in memory`);
  };
  redis.on('error', (error) => {
    cause = error;
    // A refusal can arrive before the connection is ready.
    if (isRefusal(error)) failed(error);
  });
  return {
    isClosed,
    failed,
    succeeded: (): void => {
      if (!isClosed()) logger.info('redis is available again; limits are counted in Redis');
      failures = 0;
      refusedAt = -Infinity;
    },
    state: (): Seen => {
      if (performance.now() - refusedAt < REFUSAL_LASTS_MS) return { state: 'degraded', cause };
      if (redis.status !== 'ready') return { state: 'disconnected', cause };
      return isClosed() ? { state: 'connected' } : { state: 'degraded', cause };
    },
  };
};

export const createRedisLink = (redis: Redis, counter: RedisCounter, logger: Logger): RedisLink => {
  const { isClosed, failed, succeeded, state } = createCircuit(redis, logger);
  let epoch = '';
  let processes = 1;

  const ping = async (): Promise<void> => {
    try {
      const [mark, count] = await counter.ping();
      processes = count;
      if (mark !== epoch || !isClosed()) await counter.regained();
      epoch = mark;
      succeeded();
    } catch (error) {
      failed(error);
    }
  };
  redis.on('ready', () => void ping());

  return {
    ask: async (question, otherwise) => {
      if (!isClosed()) return otherwise();
      try {
        const answer = await question(counter);
        succeeded();
        return answer;
      } catch (error) {
        if (error instanceof Problem) throw error;
        failed(error);
        return otherwise();
      }
    },
    ping,
    isClosed,
    state,
    processes: () => processes,
  };
};
