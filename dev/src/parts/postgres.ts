import pg from 'pg';
import type { Part, Started } from '../part.ts';
import { keptPort } from '../ports.ts';
import { ensureDatabase, startPostgres } from '../postgres-server.ts';

/** The same database, with the login of the processes. */
const appUrlOf = (databaseUrl: string, password: string): string => {
  const url = new URL(databaseUrl);
  [url.username, url.password] = ['sentryagent_login', password];
  return url.toString();
};

const withoutPassword = (databaseUrl: string): string => {
  const url = new URL(databaseUrl);
  url.password = '';
  return url.toString();
};

/** Your own server, used as it is. Only checks that it responds. */
const useGiven = async (databaseUrl: string, appDatabaseUrl: string): Promise<Started> => {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
  } catch (cause) {
    throw new Error(`Cannot connect to the database of DATABASE_URL: ${(cause as Error).message}`, { cause });
  } finally {
    await client.end().catch(() => {});
  }
  return { found: { databaseUrl, appDatabaseUrl }, note: 'yours (DATABASE_URL)' };
};

export const postgres: Part = {
  name: 'postgres',
  async start({ config, secrets, children }) {
    const appPassword = secrets.APP_DATABASE_PASSWORD;
    if (config.databaseUrl) {
      return useGiven(config.databaseUrl, config.appDatabaseUrl ?? appUrlOf(config.databaseUrl, appPassword));
    }
    const { dataDir } = config;
    const port = await keptPort(dataDir, 'postgres');
    const settings = { children, dataDir, port, password: secrets.POSTGRES_PASSWORD, durable: true };
    const databaseUrl = await ensureDatabase(await startPostgres(settings), 'sentryagent');
    return {
      found: { databaseUrl, appDatabaseUrl: appUrlOf(databaseUrl, appPassword) },
      rows: [['Postgres', withoutPassword(databaseUrl)]],
    };
  },
};
