import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { pino } from 'pino';
import { parseConfig } from '../../src/config.ts';
import { closeDeps, createDeps, healthSources, probeServices } from '../../src/deps.ts';
import type { Deps } from '../../src/deps.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { createApp } from '../../src/http/app.ts';
import { createAttemptLimits } from '../../src/http/attempt-limits.ts';
import { createRoutes } from '../../src/http/routes/routes.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { watchHealth } from '../../src/services/health/watch-health.ts';
import { lowerPasswordCost } from './password-cost.ts';
import { adminUrl, appUrl, createTestDatabase, dropTestDatabase, redisUrl } from './servers.ts';

export const DASHBOARD_URL = 'http://dashboard.test';
export const PUBLIC_URL = 'http://api.test';

const KEY = Buffer.alloc(32, 7).toString('base64');

export const testEnvironment = (database: string): Record<string, string> => ({
  APP_DATABASE_URL: appUrl(database),
  REDIS_URL: redisUrl(database),
  PUBLIC_URL,
  DASHBOARD_URL,
  AUTH_SECRET: 'a secret of the tests that has 32 characters',
  KEY_ENCRYPTION_KEYS: `k1:${KEY}`,
  CLIENT_SECRET_PEPPERS: `p1:${KEY}`,
  DB_POOL_MIN: '0',
  // A burst that opens more keeps a busy machine from answering in time.
  DB_POOL_MAX: '10',
  SIGN_UP_MAX_PER_MINUTE: '10000',
  METRICS_PORT: '0',
});

/** A stall of a busy machine is no Redis that hangs. */
const PATIENT = { REDIS_TIMEOUT_MS: '1500' };

/** What production has, for tests of a Redis that hangs. */
export const IMPATIENT = { REDIS_TIMEOUT_MS: '100' };

export interface TestApi {
  url: string;
  deps: Deps;
  database: string;
  /** Every log line so far, parsed. */
  logs: Record<string, unknown>[];
  /** SQL as the superuser, past every policy. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  env?: Record<string, string>;
  /** Share another API's database: a second process of one deployment. */
  database?: string;
  clock?: Clock;
}

/** A whole API on a free port, over a database of its own and this worker's Redis. */
export const startApi = async ({
  env = {},
  database: shared,
  clock,
}: TestApiOptions = {}): Promise<TestApi> => {
  const database = shared ?? (await createTestDatabase());
  const logs: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (text: string) => void logs.push(JSON.parse(text)) });
  const config = parseConfig({ ...testEnvironment(database), ...PATIENT, ...env });
  const deps = await createDeps(config, logger, clock);
  if (deps.redis && deps.redis.status !== 'ready') {
    await new Promise((resolve) => deps.redis?.once('ready', resolve));
  }
  const watch = await watchHealth(healthSources(deps), logger);
  const routes = createRoutes({
    attemptLimits: createAttemptLimits(deps.redis, config),
    watch,
    probes: probeServices(deps),
    version: '0.0.0-test',
  });
  const { server } = createHttpServer(createApp(deps, routes), config.HTTP_KEEP_ALIVE_MS);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const admin = new pg.Pool({ connectionString: adminUrl(database), max: 4 });
  admin.on('error', () => {});
  const restorePasswordCost = lowerPasswordCost();
  return {
    url: `http://127.0.0.1:${port}`,
    deps,
    database,
    logs,
    sql: async (text, values = []) => (await admin.query<Record<string, unknown>>(text, values)).rows,
    close: async () => {
      watch.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await closeDeps(deps);
      await admin.end();
      if (!shared) await dropTestDatabase(database);
      restorePasswordCost();
    },
  };
};
