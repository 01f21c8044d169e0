import { randomBytes } from 'node:crypto';
import type { Children } from './children.ts';
import type { Config, Environment } from './config.ts';
import { freePort } from './ports.ts';
import { startPostgres } from './postgres-server.ts';
import { INSTALL_REDIS, findRedis } from './redis-program.ts';
import { startRedis } from './redis-server.ts';
import { INSTALL_TEMPORAL, findTemporal, findTemporalTestServer } from './temporal-program.ts';

/** The data folder of one test run. */
export interface Place {
  config: Config;
  children: Children;
  dataDir: string;
  say: (text: string) => void;
}

/** Starts a Postgres for this run. Returns the superuser's URL. */
export const startTestPostgres = async ({ children, dataDir }: Place): Promise<string> => {
  const password = randomBytes(12).toString('hex');
  return startPostgres({ children, dataDir, port: await freePort(), password, durable: false });
};

/** 16 for each of up to eight test workers (`api/test/support/servers.ts`). */
const REDIS_DATABASES = 128;

/** Starts a Redis for this run. Returns its URL. Throws if none is available. */
export const startTestRedis = async ({ config, children, dataDir, say }: Place): Promise<string> => {
  const program = await findRedis(config, children, say);
  if (!program) throw new Error(`The tests need Redis, but none was found. ${INSTALL_REDIS}.`);
  return startRedis({ program, children, dataDir, port: await freePort(), databases: REDIS_DATABASES });
};

/** The programs with which tests start Temporal servers. Throws if one is not available. */
export const findTestTemporal = async ({ config, children, say }: Place): Promise<Environment> => {
  const program = await findTemporal(config, children, say);
  if (!program) throw new Error(`The tests need Temporal, but it was not found. ${INSTALL_TEMPORAL}.`);
  const testServer = await findTemporalTestServer(config, children, say);
  if (!testServer) {
    throw new Error(
      'The tests need the Temporal test server, which pip installs. Install Python 3 with pip.',
    );
  }
  return { TEST_TEMPORAL_PROGRAM: program, TEST_TEMPORAL_TEST_SERVER: testServer };
};
