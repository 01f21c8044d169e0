import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import type { Redis } from '../platform/redis.ts';
import { createAccountDoor } from './account-door.ts';
import type { AccountDoor } from './account-door.ts';
import { rateLimited } from './admit.ts';
import { consume, createLimiter } from './limiter.ts';

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
  /** 100 a minute and network (`networkKey`): an IPv6 customer has 65,536 addresses. */
  signInNetwork: Door;
  /** 10 wrong passwords in 15 minutes for an account; its owner's devices and addresses are counted apart. */
  accounts: AccountDoor;
  /** 5 a minute and network (`networkKey`): it may say that an email address is taken. */
  signUp: Door;
  /** 5 an hour and person: mails with a link that confirms the address. */
  verificationPerson: Door;
  /** 10 a day for all `+tag`s of a mailbox together; the address without a tag has those of its person. */
  verificationTags: Door;
  /** The same, 20 an hour and address. */
  verificationAddress: Door;
  /** 20 a minute and address: uses of such a link. */
  confirmation: Door;
  /** All sign-ups of a minute, whoever they are from. */
  allSignUps: Door;
  /** 20 failures a minute for a client from one address, checked before any hash. */
  clientAuthentication: Door;
  /** How many passwords are hashed at once. */
  hashing: Record<'signIn' | 'knownSignIn' | 'signUp', Gate>;
}

interface Limit {
  name: string;
  points: number;
  /** Default: a minute. */
  seconds?: number;
  /** What a refusal says. */
  reason: string;
}

const createDoor = (redis: Redis | undefined, { name, points, seconds = 60, reason }: Limit): Door => {
  const limiter = createLimiter(redis, { name, points, seconds });
  const closed = new LRUCache<string, number>({ max: 10_000 });
  return {
    knock: async (key) => {
      const refusal = await consume(limiter, key);
      if (!refusal) return;
      const { waitMs } = refusal;
      closed.set(key, performance.now() + waitMs, { ttl: waitMs });
      throw rateLimited({ waitMs, reason });
    },
    checkOpen: (key) => {
      const until = closed.get(key);
      if (until !== undefined) throw rateLimited({ waitMs: until - performance.now(), reason });
    },
  };
};

/**
 * A hash takes a core and 32 MiB for a tenth of a second, on one of the four threads that name look-ups share. What is
 * at work holds at most one connection each, so these three leave the rest of the people's pool to sessions
 * (`createPeoplePool`). The dashboard gives up after five seconds.
 */
const hashing = {
  signIn: { atOnce: 1, waiting: 32, patienceMs: 3_000 },
  /** Of browsers that have signed in before: strangers take no place of theirs. */
  knownSignIn: { atOnce: 1, waiting: 16, patienceMs: 3_000 },
  signUp: { atOnce: 1, waiting: 16, patienceMs: 3_000 },
};

export const createDoors = (
  redis: Redis | undefined,
  { SIGN_UP_MAX_PER_MINUTE }: Pick<Config, 'SIGN_UP_MAX_PER_MINUTE'>,
): Doors => {
  const door = (limit: Limit): Door => createDoor(redis, limit);
  const signIns = 'Too many sign-in attempts from this network';
  const links = 'Too many confirmation links for this account';
  const [hour, day] = [3_600, 86_400];
  return {
    signIn: door({ name: 'sign-in', points: 20, reason: signIns }),
    signInNetwork: door({ name: 'sign-in-network', points: 100, reason: signIns }),
    accounts: createAccountDoor(redis),
    signUp: door({ name: 'sign-up', points: 5, reason: 'Too many sign-ups from this network' }),
    verificationPerson: door({ name: 'verification-person', points: 5, seconds: hour, reason: links }),
    verificationTags: door({
      name: 'verification-tags',
      points: 10,
      seconds: day,
      reason: 'Too many confirmation links for +tag addresses of this mailbox',
    }),
    verificationAddress: door({
      name: 'verification-address',
      points: 20,
      seconds: hour,
      reason: 'Too many confirmation links from this network',
    }),
    confirmation: door({
      name: 'confirmation',
      points: 20,
      reason: 'Too many confirmation attempts from this network',
    }),
    allSignUps: door({
      name: 'all-sign-ups',
      points: SIGN_UP_MAX_PER_MINUTE,
      reason: 'Too many sign-ups at the moment',
    }),
    clientAuthentication: door({
      name: 'client',
      points: 20,
      reason: 'Too many failed authentication attempts for this client from this IP address',
    }),
    hashing: {
      signIn: createGate(hashing.signIn),
      knownSignIn: createGate(hashing.knownSignIn),
      signUp: createGate(hashing.signUp),
    },
  };
};
