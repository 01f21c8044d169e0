import { randomBytes } from 'node:crypto';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { freePort } from './ports.ts';
import { startPostgres } from './postgres-server.ts';
import { INSTALL_REDIS, findRedis } from './redis-program.ts';
import { startRedis } from './redis-server.ts';

/** Where the children of one test run keep what they write. */
export interface Place {
  config: Config;
  children: Children;
  dataDir: string;
  say: (text: string) => void;
}

/** A Postgres of this run's own; answers its superuser's URL. */
export const startTestPostgres = async ({ children, dataDir }: Place): Promise<string> => {
  const password = randomBytes(12).toString('hex');
  return startPostgres({ children, dataDir, port: await freePort(), password, durable: false });
};

/** A Redis of this run's own; answers its URL, fails where there is none to be had. */
export const startTestRedis = async ({ config, children, dataDir, say }: Place): Promise<string> => {
  const program = await findRedis(config, children, say);
  if (!program) throw new Error(`The tests need a Redis, and none was found. ${INSTALL_REDIS}.`);
  return startRedis({ program, children, dataDir, port: await freePort() });
};
