import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Admission } from './admission.ts';

export type LocalRate = Admission['rate'] & { allowed: boolean };

/** Rate limits in the memory of this process, with one limiter for each number of points. */
export const createLocalRate = (windowMs: number) => {
  const limiters = new Map<number, RateLimiterMemory>();

  const limiterOf = (points: number): RateLimiterMemory => {
    const known = limiters.get(points) ?? new RateLimiterMemory({ points, duration: windowMs / 1_000 });
    limiters.set(points, known);
    return known;
  };

  return async (key: string, points: number): Promise<LocalRate> => {
    const result = await limiterOf(points)
      .consume(key)
      .catch((refusal: unknown) => {
        if (refusal instanceof RateLimiterRes) return refusal;
        throw refusal;
      });
    return {
      allowed: result.consumedPoints <= points,
      remaining: Math.max(0, result.remainingPoints),
      resetMs: result.msBeforeNext,
    };
  };
};
