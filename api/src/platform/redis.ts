import { Redis as IoRedis } from 'ioredis';
import { inTime } from './in-time.ts';

export interface RedisAccess {
  REDIS_URL: string;
  /** The maximum wait of a token request or a metered call. */
  REDIS_TIMEOUT_MS: number;
  /** Is called with the name of each command that Redis has answered, and the time that it took. */
  onCommand?: (name: string, ms: number) => void;
}

export type Redis = IoRedis & Readonly<Pick<RedisAccess, 'REDIS_TIMEOUT_MS'>>;

/** Rejects if Redis takes longer than `REDIS_TIMEOUT_MS`. */
export const soon = <T>({ REDIS_TIMEOUT_MS: ms }: Redis, answer: Promise<T>): Promise<T> =>
  inTime(ms, answer, () => new Error(`Redis did not answer within ${ms} ms`));

/**
 * Errors that mean that Redis cannot serve any command now: it is a replica, is loading, is out of memory, cannot save
 * or rejects the credentials. Redis 6 puts the code after the error of the script.
 */
const REFUSAL =
  /(?:^|-)(?:READONLY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|NOAUTH|WRONGPASS|NOPERM|CLUSTERDOWN)\b/;

export const isRefusal = (error: unknown): boolean => error instanceof Error && REFUSAL.test(error.message);

/** ioredis adds the command with its arguments, even a password. Errors are logged, so it is removed. */
const forgetCommand = (error: Error & { command?: unknown }): void => {
  delete error.command;
};

const timeCommands = (redis: IoRedis, onCommand: NonNullable<RedisAccess['onCommand']>): void => {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...rest) => {
    const started = performance.now();
    command.promise.then(
      () => onCommand(command.name, performance.now() - started),
      () => {},
    );
    return send(command, ...rest);
  };
};

/**
 * A socket without a response for this long is closed. It is longer than a stall of this process, after which a response
 * may still be unread.
 */
const SILENCE_MS = 2_000;
/** The wait before a new connection to a server that rejected commands. */
const REFUSAL_PAUSE_MS = 500;

/**
 * A connection that fails fast: commands are not queued while it is down, and never sent twice. It reconnects
 * automatically and resolves the address again if it is lost, is silent, or if Redis rejects commands.
 */
export const createRedis = ({ REDIS_URL, REDIS_TIMEOUT_MS, onCommand }: RedisAccess): Redis => {
  let refused = false;
  const redis = new IoRedis(REDIS_URL, {
    commandTimeout: Math.max(SILENCE_MS, REDIS_TIMEOUT_MS),
    connectTimeout: 1_500,
    socketTimeout: SILENCE_MS,
    disconnectTimeout: 100,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    // The check keeps waiting on this connection while the server loads. The first command detects that anyway.
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    reconnectOnError: (error) => {
      forgetCommand(error);
      // Reconnect once for all pending commands of this socket.
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
  if (onCommand) timeCommands(redis, onCommand);
  redis.on('error', forgetCommand);
  return Object.assign(redis, { REDIS_TIMEOUT_MS });
};
