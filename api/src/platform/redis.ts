import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

/** A slow Redis is given up after this: the token path and every metered call wait for it. */
const COMMAND_TIMEOUT_MS = 100;

/**
 * A connection that fails fast: nothing is queued while it is away, nothing is sent twice. It reconnects by itself.
 */
export const createRedis = (url: string, logger: Logger): Redis => {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
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
