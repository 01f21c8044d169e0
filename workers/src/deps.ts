import { systemClock } from '@sentryagent/api/platform/clock';
import { assertSafeCatalogue } from '@sentryagent/api/platform/catalogue';
import { createDatabase } from '@sentryagent/api/platform/database';
import type { Logger } from '@sentryagent/api/platform/logger';
import { createStripe } from '@sentryagent/api/platform/stripe';
import { createTemporal } from '@sentryagent/api/platform/temporal';
import type { ActivityDeps } from './activities.ts';
import type { Config } from './config.ts';

/** The one place that opens sockets. Refuses a database whose catalogue would not keep tenants apart. */
export const createDeps = async (config: Config, logger: Logger): Promise<ActivityDeps> => {
  const db = createDatabase(config);
  await db.acrossTenants(assertSafeCatalogue);
  return {
    db,
    stripe: createStripe(config),
    temporal: createTemporal(config),
    clock: systemClock,
    logger,
    config,
  };
};

export const closeDeps = async ({ db, temporal }: ActivityDeps): Promise<void> => {
  await temporal.close();
  await db.close();
};
