import { Redis } from 'ioredis';
import { inTime } from './in-time.ts';

/** A slow Redis is given up after this: the token path and every metered call wait for it. */
const PATIENCE_MS = 100;

/** Rejects when an answer takes longer than 100 ms. */
export const soon = <T>(answer: Promise<T>): Promise<T> =>
  inTime(PATIENCE_MS, answer, () => new Error(`Redis did not answer within ${PATIENCE_MS} ms`));

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
export const createRedis = (url: string): Redis => {
  let refused = false;
  const redis = new Redis(url, {
    commandTimeout: 1_000,
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
  return redis;
};
