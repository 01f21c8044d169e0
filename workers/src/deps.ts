import { systemClock } from '@sentryagent/api/platform/clock';
import { assertSafeCatalogue } from '@sentryagent/api/platform/catalogue';
import { closeAll } from '@sentryagent/api/platform/close-all';
import { createDatabase } from '@sentryagent/api/platform/database';
import type { Logger } from '@sentryagent/api/platform/logger';
import { createRedis } from '@sentryagent/api/platform/redis';
import { createStripe } from '@sentryagent/api/platform/stripe';
import { createTemporal } from '@sentryagent/api/platform/temporal';
import type { ActivityDeps } from './activities.ts';
import type { Config } from './config.ts';
import { createWorkerMetrics } from './metrics.ts';

/** The time to close the sockets. The end of the process closes the others. */
const SOCKETS_MS = 2_000;
/** No user waits for the worker's commands. */
const REDIS_TIMEOUT_MS = 2_000;

/** The only code that opens sockets. Rejects if the database does not separate tenants. */
export const createDeps = async (
  config: Config,
  sdkMetricsUrl: string,
  logger: Logger,
): Promise<ActivityDeps> => {
  const db = createDatabase(config);
  await db.acrossTenants(assertSafeCatalogue);
  return {
    db,
    redis: config.REDIS_URL ? createRedis({ REDIS_URL: config.REDIS_URL, REDIS_TIMEOUT_MS }) : undefined,
    stripe: createStripe(config),
    temporal: createTemporal(config),
    clock: systemClock,
    logger,
    metrics: createWorkerMetrics(db, sdkMetricsUrl),
    config,
  };
};

/** Returns whether every socket was closed in time. */
export const closeDeps = ({ db, redis, temporal, logger }: ActivityDeps): Promise<boolean> =>
  closeAll(
    {
      Temporal: temporal.close,
      Redis: () => redis?.disconnect(),
      'connection pool of Postgres': db.close,
    },
    SOCKETS_MS,
    logger,
  );
