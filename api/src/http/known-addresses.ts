import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { LRUCache } from 'lru-cache';
import { soon, type Redis } from '../platform/redis.ts';
import { KEY_PREFIX } from './limiter.ts';

const KNOWN_SECONDS = 14 * DAY_SECONDS;
/** Per account. Older ones are dropped. */
const MAX_ADDRESSES = 8;

/** The addresses from which each account has signed in recently. Accounts and addresses are digests. */
export interface KnownAddresses {
  has(account: string, address: string): Promise<boolean>;
  add(account: string, address: string): Promise<void>;
}

/** The time of each address's last sign-in, oldest first. */
type Times = ReadonlyMap<string, number>;

const isRecent = (time: number | undefined): boolean =>
  time !== undefined && Date.now() - time < KNOWN_SECONDS * 1_000;

/**
 * Memory has the sign-ins of this process, and Redis those of all processes. If Redis does not answer, memory decides.
 */
export const createKnownAddresses = (redis: Redis | undefined): KnownAddresses => {
  const memory = new LRUCache<string, Times>({ max: 10_000 });
  let last = 0;
  /** Unique, so that two sign-ins within a millisecond keep their order. */
  const nextTime = (): number => (last = Math.max(Date.now(), last + 0.001));
  const keyOf = (account: string): string => `${KEY_PREFIX}:known:${account}`;
  return {
    has: async (account, address) => {
      const ours = isRecent(memory.get(account)?.get(address));
      if (ours || !redis) return ours;
      try {
        const time = await soon(redis, redis.zscore(keyOf(account), address));
        return time !== null && isRecent(Number(time));
      } catch {
        return false;
      }
    },
    add: async (account, address) => {
      const now = nextTime();
      const others = [...(memory.get(account) ?? [])].filter(([name]) => name !== address);
      memory.set(account, new Map([...others, [address, now] as const].slice(-MAX_ADDRESSES)));
      if (!redis) return;
      const key = keyOf(account);
      const write = redis
        .multi()
        .zadd(key, now, address)
        .zremrangebyrank(key, 0, -MAX_ADDRESSES - 1)
        .expire(key, KNOWN_SECONDS);
      // If Redis fails, only this process knows the address.
      await soon(redis, write.exec()).catch(() => {});
    },
  };
};
