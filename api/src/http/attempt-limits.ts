import { LRUCache } from 'lru-cache';
import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import type { Config } from '../config.ts';
import { createGate, type Gate } from './gate.ts';
import type { Redis } from '../platform/redis.ts';
import { createAccountAttempts, type AccountAttempts } from './account-attempts.ts';
import { rateLimited } from './admit.ts';
import { consume, createLimiter, type Limits } from './limiter.ts';

/** A rate limit on the attempts of callers that are not authenticated yet. */
export interface AttemptLimit {
  /** Counts one attempt. Problem: `rate_limited`. */
  consume(key: string): Promise<void>;
  /** Throws if this process has already seen the limit reached. Counts nothing. Problem: `rate_limited`. */
  check(key: string): void;
}

interface Limit extends Limits {
  /** The first sentence of the error. */
  reason: string;
}

const createAttemptLimit = (redis: Redis | undefined, { reason, ...limits }: Limit): AttemptLimit => {
  const limiter = createLimiter(redis, limits);
  const windowSeconds = limits.seconds;
  const reached = new LRUCache<string, number>({ max: 10_000 });
  return {
    consume: async (key) => {
      const { isRefused, waitMs } = await consume(limiter, key);
      if (waitMs > 0) reached.set(key, performance.now() + waitMs, { ttl: waitMs });
      if (isRefused) throw rateLimited({ waitMs, windowSeconds, reason });
    },
    check: (key) => {
      const until = reached.get(key);
      if (until !== undefined)
        throw rateLimited({ waitMs: until - performance.now(), windowSeconds, reason });
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

const [MINUTE, HOUR] = [60, 3_600];

const signIns = 'Too many sign-in attempts from this network';
const codes = 'Too many codes for this account. You can use a recovery code instead';

const limit = (name: string, points: number, seconds: number, reason: string): Limit => ({
  name,
  points,
  seconds,
  reason,
});

const limits = {
  /** Per address. */
  signIn: limit('sign-in', 20, MINUTE, signIns),
  /** Per network (`networkKey`), because an IPv6 customer has 65,536 addresses. */
  signInNetwork: limit('sign-in-network', 100, MINUTE, signIns),
  /** Per network (`networkKey`), because the response can reveal that an email address is taken. */
  signUp: limit('sign-up', 5, MINUTE, 'Too many sign-ups from this network'),
  /** Confirmation mails per user. */
  verificationPerson: limit('verification-person', 5, HOUR, 'Too many confirmation links for this account'),
  /** Mails with a link for all `+tag` addresses of a mailbox together. */
  verificationTags: limit(
    'verification-tags',
    10,
    DAY_SECONDS,
    'Too many links for +tag addresses of this mailbox',
  ),
  /** Confirmation mails per address. */
  verificationAddress: limit(
    'verification-address',
    20,
    HOUR,
    'Too many confirmation links from this network',
  ),
  /** Uses of a mailed link per address. */
  confirmation: limit('confirmation', 20, MINUTE, 'Too many links used from this network'),
  /** Reset links per email address, whether or not it has an account. A known browser is counted separately. */
  resetAccount: limit('reset-account', 5, HOUR, 'Too many links for this email address'),
  /** Reset links per network (`networkKey`). */
  resetNetwork: limit('reset-network', 20, HOUR, 'Too many requests for a new password from this network'),
  /** New names of a tenant per user. Each leaves an audit entry. */
  tenantName: limit('tenant-name', 20, HOUR, 'Too many changes of the name'),
  /** Failures per client and address. */
  clientAuthentication: limit(
    'client',
    20,
    MINUTE,
    'Too many failed authentication attempts for this client from this IP address',
  ),
  /** Codes of an authenticator app per user, right or wrong: three of a million are right. */
  codes: limit('code', 10, 15 * MINUTE, codes),
  /** The same for a day. So a year of guesses has a chance of 3 %, even for who knows the password. */
  codesADay: limit('code-day', 30, DAY_SECONDS, codes),
};

export interface AttemptLimits extends Record<keyof typeof limits, AttemptLimit> {
  /** Wrong passwords per account. */
  accounts: AccountAttempts;
  /** `SIGN_UP_MAX_PER_MINUTE`, for all callers together. */
  allSignUps: AttemptLimit;
  /** Limits how many passwords are hashed at once. */
  hashing: Record<keyof typeof hashing, Gate>;
}

/** Applies one function to each value. */
const mapValues = <K extends string, V, W>(record: Record<K, V>, map: (value: V) => W): Record<K, W> =>
  Object.fromEntries(Object.entries<V>(record).map(([key, value]) => [key, map(value)])) as Record<K, W>;

export const createAttemptLimits = (
  redis: Redis | undefined,
  { SIGN_UP_MAX_PER_MINUTE: points }: Pick<Config, 'SIGN_UP_MAX_PER_MINUTE'>,
): AttemptLimits => ({
  ...mapValues(limits, (each) => createAttemptLimit(redis, each)),
  accounts: createAccountAttempts(redis),
  allSignUps: createAttemptLimit(redis, {
    name: 'all-sign-ups',
    points,
    seconds: MINUTE,
    reason: 'Too many sign-ups at the moment',
  }),
  hashing: mapValues(hashing, createGate),
});
