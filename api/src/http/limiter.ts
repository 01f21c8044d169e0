import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { soon, type Redis } from '../platform/redis.ts';

/** The prefix of all keys for attempt limits. Do not change it: running systems have keys with it. */
export const KEY_PREFIX = 'door';

export type Limiter = Pick<RateLimiterMemory, 'consume' | 'reward'>;

export interface Limits {
  name: string;
  points: number;
  seconds: number;
}

/**
 * Counts in Redis for all processes. Counts in memory if Redis is not configured or unavailable. The fallback of the
 * library would wait for the command timeout at each limit of a request.
 */
export const createLimiter = (redis: Redis | undefined, { name, points, seconds }: Limits): Limiter => {
  const limits = { keyPrefix: `${KEY_PREFIX}:${name}`, points, duration: seconds };
  const memory = new RateLimiterMemory(limits);
  if (!redis) return memory;
  const shared = new RateLimiterRedis({ ...limits, storeClient: redis });
  const ask = async <T>(question: (limiter: Limiter) => Promise<T>): Promise<T> => {
    try {
      return await soon(redis, question(shared));
    } catch (error) {
      if (error instanceof RateLimiterRes) throw error;
      return question(memory);
    }
  };
  return {
    consume: (key, count) => ask((limiter) => limiter.consume(key, count)),
    reward: (key, count) => ask((limiter) => limiter.reward(key, count)),
  };
};

/** A key without the text itself: Redis stores digests, because email addresses are personal data. */
export const digestKey = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);

export interface Consumed {
  isRefused: boolean;
  /** How long the next attempts are refused. 0: they are not. */
  waitMs: number;
}

/** Consumes one point. */
export const consume = async (limiter: Limiter, key: string): Promise<Consumed> => {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(key);
    return { isRefused: false, waitMs: remainingPoints > 0 ? 0 : Math.max(0, msBeforeNext) };
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return { isRefused: true, waitMs: Math.max(1_000, refusal.msBeforeNext) };
  }
};
