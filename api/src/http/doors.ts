import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from './admit.ts';

/** A limit on what a caller without an identity may try. */
export interface Door {
  /** Counts one try. Problem: `rate_limited`. */
  knock(key: string): Promise<void>;
  /** Throws where earlier knocks have closed it; asks nobody and counts nothing. Problem: `rate_limited`. */
  checkOpen(key: string): void;
}

export interface Doors {
  /** 20 a minute and address. */
  signIn: Door;
  /** 5 a minute and address: it may say that an email address is taken. */
  signUp: Door;
  /** 5 an hour and person: mails with a link that confirms the address. */
  verificationPerson: Door;
  /** The same, 20 an hour and address. */
  verificationAddress: Door;
  /** 20 a minute and address: uses of such a link. */
  confirmation: Door;
  /** 20 failures a minute for a client from one address, checked before any hash. */
  clientAuthentication: Door;
}

const createDoor = (redis: Redis | undefined, name: string, points: number, seconds = 60): Door => {
  const limits = { keyPrefix: `door:${name}`, points, duration: seconds };
  const memory = new RateLimiterMemory(limits);
  const limiter = redis
    ? new RateLimiterRedis({ ...limits, storeClient: redis, insuranceLimiter: memory })
    : memory;
  const closed = new LRUCache<string, number>({ max: 10_000 });
  return {
    knock: async (key) => {
      try {
        await limiter.consume(key);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        const waitMs = Math.max(1_000, refusal.msBeforeNext);
        closed.set(key, performance.now() + waitMs, { ttl: waitMs });
        throw rateLimited(waitMs);
      }
    },
    checkOpen: (key) => {
      const until = closed.get(key);
      if (until !== undefined) throw rateLimited(until - performance.now());
    },
  };
};

export const createDoors = (redis: Redis | undefined): Doors => ({
  signIn: createDoor(redis, 'sign-in', 20),
  signUp: createDoor(redis, 'sign-up', 5),
  verificationPerson: createDoor(redis, 'verification-person', 5, 3_600),
  verificationAddress: createDoor(redis, 'verification-address', 20, 3_600),
  confirmation: createDoor(redis, 'confirmation', 20),
  clientAuthentication: createDoor(redis, 'client', 20),
});
