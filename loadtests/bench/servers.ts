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

export type Data = Pick<Servers, 'databaseUrl' | 'appDatabaseUrl' | 'redisUrl'>;

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
  /** Migrates one more database as the checkout in this folder does, and chooses another database of Redis. */
  addData(root: string): Promise<Data>;
  say(text: string): void;
}

type Place = Pick<Servers, 'config' | 'children' | 'folder' | 'say'>;

/** Postgres uses fsync here, so that commits have their real cost. */
const start = async ({ config, children, folder, say }: Place): Promise<Servers> => {
  const secrets = readSecrets(folder);
  const settings = { port: await freePort(), password: secrets.POSTGRES_PASSWORD, durable: true };
  const adminUrl = await startPostgres({ children, dataDir: folder, ...settings });
  const redisServer = await startTestRedis({ config, children, dataDir: folder, say });
  let number = 0;
  const addData = async (root: string): Promise<Data> => {
    const place = number++;
    const databaseUrl = await ensureDatabase(adminUrl, `bench_${place}`);
    const login = new URL(databaseUrl);
    [login.username, login.password] = ['sentryagent_login', secrets.APP_DATABASE_PASSWORD];
    const appDatabaseUrl = login.toString();
    const env = { DATABASE_URL: databaseUrl, APP_DATABASE_URL: appDatabaseUrl };
    const argv = [process.execPath, 'migrations/src/main.ts'];
    await children.run({ name: `migrate-${place}`, argv, env, cwd: root });
    const redisUrl = new URL(`/${place}`, redisServer).toString();
    return { databaseUrl, appDatabaseUrl, redisUrl };
  };
  return { config, children, folder, secrets, ...(await addData(config.root)), addData, say };
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
