import { createHash } from 'node:crypto';
import { Problem } from '../platform/problem.ts';
import type { Redis } from '../platform/redis.ts';
import { rateLimited } from './admit.ts';
import { consume, createLimiter } from './limiter.ts';
import type { Limiter } from './limiter.ts';

/** Wrong passwords for one account, of all strangers together and of each known device and address by itself. */
const ACCOUNT_FAILURES = { points: 10, seconds: 15 * 60 } as const;

const KNOWN_SECONDS = 14 * 24 * 3_600;
/** Addresses that an account is known from; a ninth takes the place of another. */
const KNOWN_ADDRESSES = 8;

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

const digest = (...parts: string[]): Buffer => createHash('sha256').update(parts.join('\n')).digest();

/** An email address is 254 characters and tells of a person: neither goes to Redis. */
const keyOf = (...parts: string[]): string =>
  digest(...parts)
    .toString('base64url')
    .slice(0, 22);

/** Each address has one of the account's places, and leaves its mark there. */
const placeOf = ({ account, address }: Attempt): { key: string; mark: number } => {
  const bytes = digest(account, address);
  return { key: keyOf(account, String(bytes[0]! % KNOWN_ADDRESSES)), mark: bytes.readUInt32BE(1) };
};

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
  const known = createLimiter(redis, { name: 'known', points: 1, seconds: KNOWN_SECONDS });

  const isKnown = async (attempt: Attempt): Promise<boolean> => {
    const { key, mark } = placeOf(attempt);
    return (await known.get(key))?.consumedPoints === mark;
  };
  const remember = async (attempt: Attempt): Promise<void> => {
    const { key, mark } = placeOf(attempt);
    await known.set(key, mark, KNOWN_SECONDS);
  };
  const allowancesOf = async (attempt: Attempt): Promise<string[]> => {
    const { account, address, device } = attempt;
    return [
      ...(device === undefined ? [] : [keyOf(account, 'device', device)]),
      ...((await isKnown(attempt)) ? [keyOf(account, 'address', address)] : []),
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
