import pg from 'pg';
import type { Config } from '../config.ts';
import { connection } from './database.ts';
import type { Logger } from './logger.ts';

const RECONNECT_MS = 250;

/**
 * Calls back for each NOTIFY on a channel, and whenever a connection was made: what was told meanwhile is lost. A
 * connection that breaks is made again.
 */
export const listen = (
  { APP_DATABASE_URL }: Pick<Config, 'APP_DATABASE_URL'>,
  logger: Logger,
  channel: string,
  heard: () => void,
): { stop(): Promise<void> } => {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    const own = new pg.Client({
      ...connection(APP_DATABASE_URL),
      application_name: 'sentryagent-listener',
      keepAlive: true,
    });
    client = own;
    own.on('notification', heard);
    own.on('error', (error) => logger.warn({ err: error }, `the listener on ${channel} broke`));
    own.on('end', again);
    await own.connect();
    await own.query(`listen ${channel}`);
    heard();
  };

  const again = (): void => {
    if (stopped || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      start();
    }, RECONNECT_MS);
  };

  const start = (): void => {
    connect().catch((error: unknown) => {
      logger.warn({ err: error }, `nothing listens on ${channel}; it is tried again`);
      again();
    });
  };

  start();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
};
