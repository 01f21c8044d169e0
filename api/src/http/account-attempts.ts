import { Problem } from '../platform/problem.ts';
import type { Redis } from '../platform/redis.ts';
import { rateLimited } from './admit.ts';
import { consume, createLimiter, digestKey, type Limiter } from './limiter.ts';
import { createKnownAddresses } from './known-addresses.ts';

/** Wrong passwords per account: for each known device, for each known address, and for all other callers together. */
const ACCOUNT_FAILURES = { points: 10, seconds: 15 * 60 } as const;

/** An attempt to enter a password. The account does not have to exist. */
export interface Attempt {
  /** The normalized email address. */
  account: string;
  /** `addressKey` of the client address. */
  address: string;
  /** The browser, if it has signed in to this account before. */
  device: string | undefined;
}

/**
 * Limits wrong passwords per account, because an attacker can guess from many addresses. Known devices and addresses
 * are counted separately, so an attacker cannot lock the user out.
 */
export interface AccountAttempts {
  /** Runs `work`, which checks the password. Counts the attempt if it is wrong. Problem: `rate_limited`. */
  run<T>(attempt: Attempt, work: () => Promise<T>): Promise<T>;
  /** Makes the address of the attempt a known address of the account, after a whole sign-in. */
  remember(attempt: Attempt): Promise<void>;
}

/** Consumes a point before the password is checked, so concurrent attempts cannot pass together. Returns the key used. */
const take = async (limiter: Limiter, keys: readonly string[]): Promise<string> => {
  let waitMs = 0;
  for (const key of keys) {
    const consumed = await consume(limiter, key);
    if (!consumed.isRefused) return key;
    waitMs = consumed.waitMs;
  }
  throw rateLimited({
    waitMs,
    windowSeconds: ACCOUNT_FAILURES.seconds,
    reason: 'Too many wrong passwords for this account',
  });
};

const isWrongPassword = (error: unknown): boolean =>
  error instanceof Problem && (error.code === 'invalid_credentials' || error.code === 'wrong_password');

export const createAccountAttempts = (redis: Redis | undefined): AccountAttempts => {
  const failures = createLimiter(redis, { name: 'account', ...ACCOUNT_FAILURES });
  const known = createKnownAddresses(redis);

  const remember = ({ account, address }: Attempt): Promise<void> =>
    known.add(digestKey(account, 'addresses'), digestKey(account, 'address', address));
  const allowancesOf = async ({ account, address, device }: Attempt): Promise<string[]> => {
    const place = digestKey(account, 'address', address);
    return [
      ...(device === undefined ? [] : [digestKey(account, 'device', device)]),
      ...((await known.has(digestKey(account, 'addresses'), place)) ? [place] : []),
      digestKey(account, 'strangers'),
    ];
  };

  return {
    run: async (attempt, work) => {
      const allowance = await take(failures, await allowancesOf(attempt));
      try {
        const result = await work();
        await failures.reward(allowance);
        return result;
      } catch (error) {
        if (!isWrongPassword(error)) await failures.reward(allowance);
        throw error;
      }
    },
    remember,
  };
};
