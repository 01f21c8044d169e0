import { LRUCache } from 'lru-cache';
import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import type { Config } from '../config.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import type { Redis } from '../platform/redis.ts';
import { createAccountAttempts } from './account-attempts.ts';
import type { AccountAttempts } from './account-attempts.ts';
import { rateLimited } from './admit.ts';
import { consume, createLimiter } from './limiter.ts';

/** A rate limit on the attempts of callers that are not authenticated yet. */
export interface AttemptLimit {
  /** Counts one attempt. Problem: `rate_limited`. */
  consume(key: string): Promise<void>;
  /** Throws if this process has already seen the limit reached. Counts nothing. Problem: `rate_limited`. */
  check(key: string): void;
}

export interface AttemptLimits {
  /** 20 a minute per address. */
  signIn: AttemptLimit;
  /** 100 a minute per network (`networkKey`), because an IPv6 customer has 65,536 addresses. */
  signInNetwork: AttemptLimit;
  /** 10 wrong passwords in 15 minutes per account. Its known devices and addresses are counted separately. */
  accounts: AccountAttempts;
  /** 5 a minute per network (`networkKey`), because the response can reveal that an email address is taken. */
  signUp: AttemptLimit;
  /** 5 confirmation mails an hour per user. */
  verificationPerson: AttemptLimit;
  /** 10 mails with a link a day for all `+tag` addresses of a mailbox together. */
  verificationTags: AttemptLimit;
  /** 20 confirmation mails an hour per address. */
  verificationAddress: AttemptLimit;
  /** 20 uses of a mailed link a minute per address. */
  confirmation: AttemptLimit;
  /** 5 reset links an hour per email address, whether or not it has an account. */
  resetAccount: AttemptLimit;
  /** 20 reset links an hour per network (`networkKey`). */
  resetNetwork: AttemptLimit;
  /** 20 new names of a tenant an hour per user. Each leaves an audit entry. */
  tenantName: AttemptLimit;
  /** `SIGN_UP_MAX_PER_MINUTE`, for all callers together. */
  allSignUps: AttemptLimit;
  /** 20 failures a minute per client and address. */
  clientAuthentication: AttemptLimit;
  /** 10 codes of an authenticator app in 15 minutes per user, right or wrong: three of a million are right. */
  codes: AttemptLimit;
  /** 30 codes a day per user. So a year of guesses has a chance of 3 %, even for who knows the password. */
  codesADay: AttemptLimit;
  /** Limits how many passwords are hashed at once. */
  hashing: Record<'signIn' | 'knownSignIn' | 'signUp', Gate>;
}

interface Limit {
  name: string;
  points: number;
  /** Default: 60. */
  seconds?: number;
  /** The first sentence of the error. */
  reason: string;
}

const createAttemptLimit = (
  redis: Redis | undefined,
  { name, points, seconds = 60, reason }: Limit,
): AttemptLimit => {
  const limiter = createLimiter(redis, { name, points, seconds });
  const reached = new LRUCache<string, number>({ max: 10_000 });
  return {
    consume: async (key) => {
      const refusal = await consume(limiter, key);
      if (!refusal) return;
      const { waitMs } = refusal;
      reached.set(key, performance.now() + waitMs, { ttl: waitMs });
      throw rateLimited({ waitMs, reason });
    },
    check: (key) => {
      const until = reached.get(key);
      if (until !== undefined) throw rateLimited({ waitMs: until - performance.now(), reason });
    },
  };
};

/**
 * A hash takes a core and 32 MiB for 0.1 seconds, on one of the four libuv threads that DNS look-ups also use. Each
 * running request holds at most one connection, so these three leave the rest of `createPeoplePool` to sessions.
 * The dashboard times out after five seconds.
 */
const hashing = {
  signIn: { atOnce: 1, waiting: 32, patienceMs: 3_000 },
  /**
   * For browsers that have signed in before, and for users with a session or a reset link, so that a flood of other
   * requests cannot block them.
   */
  knownSignIn: { atOnce: 1, waiting: 16, patienceMs: 3_000 },
  signUp: { atOnce: 1, waiting: 16, patienceMs: 3_000 },
};

type CreateLimit = (settings: Limit) => AttemptLimit;

const HOUR_SECONDS = 3_600;

const mailLimits = (limit: CreateLimit) => {
  const links = 'Too many confirmation links for this account';
  return {
    verificationPerson: limit({
      name: 'verification-person',
      points: 5,
      seconds: HOUR_SECONDS,
      reason: links,
    }),
    verificationTags: limit({
      name: 'verification-tags',
      points: 10,
      seconds: DAY_SECONDS,
      reason: 'Too many links for +tag addresses of this mailbox',
    }),
    verificationAddress: limit({
      name: 'verification-address',
      points: 20,
      seconds: HOUR_SECONDS,
      reason: 'Too many confirmation links from this network',
    }),
    confirmation: limit({
      name: 'confirmation',
      points: 20,
      reason: 'Too many links used from this network',
    }),
    resetAccount: limit({
      name: 'reset-account',
      points: 5,
      seconds: HOUR_SECONDS,
      reason: 'Too many links for this email address',
    }),
    resetNetwork: limit({
      name: 'reset-network',
      points: 20,
      seconds: HOUR_SECONDS,
      reason: 'Too many requests for a new password from this network',
    }),
  };
};

export const createAttemptLimits = (
  redis: Redis | undefined,
  { SIGN_UP_MAX_PER_MINUTE }: Pick<Config, 'SIGN_UP_MAX_PER_MINUTE'>,
): AttemptLimits => {
  const limit: CreateLimit = (settings) => createAttemptLimit(redis, settings);
  const signIns = 'Too many sign-in attempts from this network';
  const codes = 'Too many codes for this account. You can use a recovery code instead';
  return {
    signIn: limit({ name: 'sign-in', points: 20, reason: signIns }),
    signInNetwork: limit({ name: 'sign-in-network', points: 100, reason: signIns }),
    accounts: createAccountAttempts(redis),
    signUp: limit({ name: 'sign-up', points: 5, reason: 'Too many sign-ups from this network' }),
    ...mailLimits(limit),
    tenantName: limit({
      name: 'tenant-name',
      points: 20,
      seconds: HOUR_SECONDS,
      reason: 'Too many changes of the name',
    }),
    allSignUps: limit({
      name: 'all-sign-ups',
      points: SIGN_UP_MAX_PER_MINUTE,
      reason: 'Too many sign-ups at the moment',
    }),
    clientAuthentication: limit({
      name: 'client',
      points: 20,
      reason: 'Too many failed authentication attempts for this client from this IP address',
    }),
    codes: limit({ name: 'code', points: 10, seconds: 15 * 60, reason: codes }),
    codesADay: limit({ name: 'code-day', points: 30, seconds: DAY_SECONDS, reason: codes }),
    hashing: {
      signIn: createGate(hashing.signIn),
      knownSignIn: createGate(hashing.knownSignIn),
      signUp: createGate(hashing.signUp),
    },
  };
};
