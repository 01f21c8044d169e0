import type { Logger } from '../../platform/logger.ts';
import { Problem } from '../../platform/problem.ts';
import type { RedisCounter } from './redis-counter.ts';

/** Three failures in a row open the circuit. */
const THRESHOLD = 3;

/**
 * The circuit between this process and the counters in Redis. While it is open nothing waits for Redis; a ping that
 * answers closes it.
 */
export interface RedisLink {
  /** Asks Redis, or does the other thing when it can't answer. */
  ask<T>(question: (counter: RedisCounter) => Promise<T>, otherwise: () => Promise<T>): Promise<T>;
  /** Looks whether Redis answers; tells a Redis that lost its data, or was away, what this process let through. */
  ping(): Promise<void>;
  isClosed(): boolean;
  /** Live processes that share the limits, as far as is known. */
  processes(): number;
}

/** The link of a process that has no Redis. */
export const noLink: RedisLink = {
  ask: (_question, otherwise) => otherwise(),
  ping: async () => {},
  isClosed: () => false,
  processes: () => 1,
};

export const createRedisLink = (counter: RedisCounter, logger: Logger): RedisLink => {
  let failures = 0;
  let epoch = '';
  let processes = 1;

  const isClosed = (): boolean => failures < THRESHOLD;
  const failed = (): void => {
    failures += 1;
    if (failures === THRESHOLD) logger.warn('redis does not answer: limits are kept in memory');
  };
  const succeeded = (): void => {
    if (!isClosed()) logger.info('redis answers again: limits are shared');
    failures = 0;
  };

  return {
    ask: async (question, otherwise) => {
      if (!isClosed()) return otherwise();
      try {
        const answer = await question(counter);
        succeeded();
        return answer;
      } catch (error) {
        if (error instanceof Problem) throw error;
        failed();
        return otherwise();
      }
    },
    ping: async () => {
      try {
        const [mark, count] = await counter.ping();
        processes = count;
        if (mark !== epoch || !isClosed()) await counter.regained();
        epoch = mark;
        succeeded();
      } catch {
        failed();
      }
    },
    isClosed,
    processes: () => processes,
  };
};
