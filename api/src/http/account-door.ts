import { createHash } from 'node:crypto';
import { Problem } from '../platform/problem.ts';
import type { Redis } from '../platform/redis.ts';
import { rateLimited } from './admit.ts';
import { consume, createLimiter } from './limiter.ts';
import { createKnownAddresses } from './known-addresses.ts';
import type { Limiter } from './limiter.ts';

/** Wrong passwords for one account, of all strangers together and of each known device and address by itself. */
const ACCOUNT_FAILURES = { points: 10, seconds: 15 * 60 } as const;

/** Who tries to enter an account. Whether there is such an account makes no difference. */
export interface Attempt {
  /** The email address, in the form that is stored. */
  account: string;
  /** `addressKey` of where the attempt comes from. */
  address: string;
  /** The browser, where it has signed in to this account before. */
  device: string | undefined;
}

/**
 * Slows down those who guess an account's password from many addresses. Its owner's devices and addresses have
 * allowances of their own, so that strangers who use up theirs don't lock the owner out.
 */
export interface AccountDoor {
  /** Lets an attempt prove itself, and counts it where its password is wrong. Problem: `rate_limited`. */
  enter<T>(attempt: Attempt, prove: () => Promise<T>): Promise<T>;
  /** From now on the attempt's address is known to its account. */
  remember(attempt: Attempt): Promise<void>;
}

/** An email address is 254 characters and tells of a person: neither goes to Redis. */
const keyOf = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);

/** Counts the attempt before it is proved, or a hundred at once would all be let through; answers where. */
const take = async (limiter: Limiter, keys: readonly string[]): Promise<string> => {
  let waitMs = 0;
  for (const key of keys) {
    const refusal = await consume(limiter, key);
    if (!refusal) return key;
    waitMs = refusal.waitMs;
  }
  throw rateLimited({ waitMs, reason: 'Too many wrong passwords for this account' });
};

const isWrongPassword = (error: unknown): boolean =>
  error instanceof Problem && error.code === 'invalid_credentials';

export const createAccountDoor = (redis: Redis | undefined): AccountDoor => {
  const failures = createLimiter(redis, { name: 'account', ...ACCOUNT_FAILURES });
  const known = createKnownAddresses(redis);

  const remember = ({ account, address }: Attempt): Promise<void> =>
    known.add(keyOf(account, 'addresses'), keyOf(account, 'address', address));
  const allowancesOf = async ({ account, address, device }: Attempt): Promise<string[]> => {
    const place = keyOf(account, 'address', address);
    return [
      ...(device === undefined ? [] : [keyOf(account, 'device', device)]),
      ...((await known.has(keyOf(account, 'addresses'), place)) ? [place] : []),
      keyOf(account, 'strangers'),
    ];
  };

  return {
    enter: async (attempt, prove) => {
      const allowance = await take(failures, await allowancesOf(attempt));
      try {
        const result = await prove();
        await failures.reward(allowance);
        await remember(attempt);
        return result;
      } catch (error) {
        if (!isWrongPassword(error)) await failures.reward(allowance);
        throw error;
      }
    },
    remember,
  };
};
