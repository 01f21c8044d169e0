import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

/** A slow Redis is given up after this: the token path and every metered call wait for it. */
const PATIENCE_MS = 100;

/**
 * Rejects when an answer takes longer than 100 ms. After a stall of this process's own the answer may lie unread in
 * the socket: the event loop reads it before the immediate comes.
 */
export const inTime = async <T>(answer: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(new Error('redis took too long'))), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * What says that this Redis is of no use just now, whatever is asked: a replica, one that loads, has no room, cannot
 * save, or wants another identity. Redis 6 puts it behind the script's own error.
 */
const REFUSAL =
  /(?:^|-)(?:READONLY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|NOAUTH|WRONGPASS|NOPERM|CLUSTERDOWN)\b/;

export const isRefusal = (error: unknown): boolean => error instanceof Error && REFUSAL.test(error.message);

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
export const createRedis = (url: string, logger: Logger): Redis => {
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
  let lastMessage = '';
  redis.on('error', (error: Error) => {
    if (error.message === lastMessage) return;
    lastMessage = error.message;
    logger.warn({ err: error }, 'redis is not reachable; limits are kept in memory');
  });
  redis.on('ready', () => {
    lastMessage = '';
  });
  return redis;
};
