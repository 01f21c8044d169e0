import { Redis as IoRedis } from 'ioredis';
import { inTime } from './in-time.ts';

export interface RedisAccess {
  REDIS_URL: string;
  /** Every token request and metered call waits at most this long. */
  REDIS_TIMEOUT_MS: number;
}

export type Redis = IoRedis & Readonly<Pick<RedisAccess, 'REDIS_TIMEOUT_MS'>>;

/** Rejects if an answer of this Redis takes longer than `REDIS_TIMEOUT_MS`. */
export const soon = <T>({ REDIS_TIMEOUT_MS: ms }: Redis, answer: Promise<T>): Promise<T> =>
  inTime(ms, answer, () => new Error(`Redis did not answer within ${ms} ms`));

/**
 * What says that this Redis is of no use just now, whatever is asked: a replica, one that loads, has no room, cannot
 * save, or wants another identity. Redis 6 puts it behind the script's own error.
 */
const REFUSAL =
  /(?:^|-)(?:READONLY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|NOAUTH|WRONGPASS|NOPERM|CLUSTERDOWN)\b/;

export const isRefusal = (error: unknown): boolean => error instanceof Error && REFUSAL.test(error.message);

/** ioredis adds the command with its arguments, a password among them; errors are logged. */
const forgetCommand = (error: Error & { command?: unknown }): void => {
  delete error.command;
};

/**
 * A socket on which nothing comes back for this long, though something was asked, is given up. Longer than a stall of
 * this process's own, after which an answer may lie unread.
 */
const SILENCE_MS = 2_000;
/** A server that refused its work is asked again after this, by a new connection. */
const REFUSAL_PAUSE_MS = 500;

/**
 * A connection that fails fast: nothing is queued while it is away, nothing is sent twice. It reconnects by itself,
 * to whatever the address leads to then: when it breaks, when it stays silent, and when Redis refuses its work.
 */
export const createRedis = ({ REDIS_URL, REDIS_TIMEOUT_MS }: RedisAccess): Redis => {
  let refused = false;
  const redis = new IoRedis(REDIS_URL, {
    commandTimeout: Math.max(1_000, REDIS_TIMEOUT_MS),
    connectTimeout: 1_500,
    socketTimeout: SILENCE_MS,
    disconnectTimeout: 100,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    // It would wait on the same socket for as long as a server loads; the first command learns the same.
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    reconnectOnError: (error) => {
      forgetCommand(error);
      // Once is enough for all that was asked over this socket.
      const isNews = !refused && isRefusal(error);
      refused ||= isNews;
      return isNews;
    },
    retryStrategy: (attempt) => {
      const pause = refused ? REFUSAL_PAUSE_MS : Math.min(50 * 2 ** attempt, 1_000);
      refused = false;
      return pause;
    },
  });
  redis.on('error', forgetCommand);
  return Object.assign(redis, { REDIS_TIMEOUT_MS });
};
