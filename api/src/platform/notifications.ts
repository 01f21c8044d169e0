import pg from 'pg';
import { every } from './every.ts';
import type { Logger } from './logger.ts';
import { connection, createGeneration, streamOf } from './pg-connection.ts';

const RECONNECT_MS = 250;
/** An idle connection does not show that its server has failed, so it is pinged. */
const PROBE_MS = 2_000;

/**
 * Calls back for each NOTIFY on a channel and after each new connection, because earlier notifications are lost and the
 * server may be a different one. Reconnects if the connection breaks or is silent, or if the server is read-only.
 */
export const listen = (
  { APP_DATABASE_URL }: { APP_DATABASE_URL: string },
  logger: Logger,
  channel: string,
  heard: (isConnected: boolean) => void,
): { stop(): Promise<void> } => {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = async (own: pg.Client): Promise<void> => {
    const { admit, check } = createGeneration(() => streamOf(own).destroy());
    own.on('notification', () => heard(false));
    own.on('error', (error) =>
      logger.warn({ err: error }, `the connection that listens on ${channel} was lost`),
    );
    own.on('end', again);
    await own.connect();
    await admit(own);
    own.once(
      'end',
      every(PROBE_MS, logger, `checking the connection that listens on ${channel}`, () => check(own)),
    );
    await own.query(`listen ${channel}`);
    heard(true);
  };

  const again = (): void => {
    if (stopped || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      start();
    }, RECONNECT_MS);
  };

  const start = (): void => {
    const own = new pg.Client({ ...connection(APP_DATABASE_URL), application_name: 'sentryagent-listener' });
    client = own;
    connect(own).catch((error: unknown) => {
      logger.warn({ err: error }, `listening on ${channel} failed and is retried`);
      streamOf(own).destroy();
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
