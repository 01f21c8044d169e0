import { join } from 'node:path';
import { createChildren, type Children } from '../../dev/src/children.ts';
import { readConfig, type Config } from '../../dev/src/config.ts';
import { takeOver } from '../../dev/src/pid-file.ts';
import { freePort } from '../../dev/src/ports.ts';
import { ensureDatabase, startPostgres } from '../../dev/src/postgres-server.ts';
import { readSecrets, type Secrets } from '../../dev/src/secrets.ts';
import { stopRequest } from '../../dev/src/stop-request.ts';
import { folderOfRun, removeDeadRuns, removeRun } from '../../dev/src/test-runs.ts';
import { startTestRedis } from '../../dev/src/test-servers.ts';

/** The servers of one run, and a way to start more programs. */
export interface Servers {
  config: Config;
  children: Children;
  /** Deleted at the end of the run. */
  folder: string;
  secrets: Secrets;
  /** A migrated database: the URL of the schema owner and the URL of the login. */
  databaseUrl: string;
  appDatabaseUrl: string;
  redisUrl: string;
  say(text: string): void;
}

type Place = Pick<Servers, 'config' | 'children' | 'folder' | 'say'>;

/** Postgres uses fsync here, so that commits have their real cost. */
const start = async ({ config, children, folder, say }: Place): Promise<Servers> => {
  const secrets = readSecrets(folder);
  const settings = { port: await freePort(), password: secrets.POSTGRES_PASSWORD, durable: true };
  const adminUrl = await startPostgres({ children, dataDir: folder, ...settings });
  const databaseUrl = await ensureDatabase(adminUrl, 'bench');
  const login = new URL(databaseUrl);
  [login.username, login.password] = ['sentryagent_login', secrets.APP_DATABASE_PASSWORD];
  const appDatabaseUrl = login.toString();
  const redisUrl = await startTestRedis({ config, children, dataDir: folder, say });
  const env = { DATABASE_URL: databaseUrl, APP_DATABASE_URL: appDatabaseUrl };
  await children.run({ name: 'migrate', argv: [process.execPath, 'migrations/src/main.ts'], env });
  return { config, children, folder, secrets, databaseUrl, appDatabaseUrl, redisUrl, say };
};

/** Starts the servers, runs the work, and always stops all processes and deletes all files. */
export const withServers = async <T>(
  work: (servers: Servers) => Promise<T>,
  say: (text: string) => void,
): Promise<T> => {
  const config = readConfig();
  const folder = folderOfRun(config.cacheDir);
  const stopped = stopRequest().then(() => 'Stopped.');
  await removeDeadRuns(config.cacheDir);
  await takeOver(folder);
  const children = createChildren({ ...config, dataDir: folder });
  const cutShort = Promise.race([stopped, children.died]).then<never>((why) => {
    throw new Error(why);
  });
  try {
    return await Promise.race([start({ config, children, folder, say }).then(work), cutShort]);
  } finally {
    await children.stopAll();
    await removeRun(folder);
  }
};

/** The folder of CPU profiles. It is not deleted after the run. */
export const profileFolder = ({ config }: Servers): string => join(config.cacheDir, 'bench');
