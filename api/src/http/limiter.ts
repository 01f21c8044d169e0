import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

export type Limiter = RateLimiterMemory | RateLimiterRedis;

export interface Limits {
  name: string;
  points: number;
  seconds: number;
}

/** Counts in Redis for all processes; in memory where there is none, and while it is away. */
export const createLimiter = (redis: Redis | undefined, { name, points, seconds }: Limits): Limiter => {
  const limits = { keyPrefix: `door:${name}`, points, duration: seconds };
  const memory = new RateLimiterMemory(limits);
  return redis ? new RateLimiterRedis({ ...limits, storeClient: redis, insuranceLimiter: memory }) : memory;
};

/** Counts one; how long to wait where the limit is reached. */
export const consume = async (limiter: Limiter, key: string): Promise<{ waitMs: number } | undefined> => {
  try {
    await limiter.consume(key);
    return undefined;
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return { waitMs: Math.max(1_000, refusal.msBeforeNext) };
  }
};
