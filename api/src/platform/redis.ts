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
 * A connection that fails fast: nothing is queued while it is away, nothing is sent twice. It reconnects by itself.
 */
export const createRedis = (url: string, logger: Logger): Redis => {
  const redis = new Redis(url, {
    commandTimeout: 1_000,
    connectTimeout: 1_500,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
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
