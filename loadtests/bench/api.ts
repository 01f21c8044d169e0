import type { Environment } from '../../dev/src/config.ts';
import { answers, waitFor } from '../../dev/src/wait-for.ts';
import type { Data, Servers } from './servers.ts';

export const DASHBOARD_URL = 'http://dashboard.bench';

/** A limit that is never reached. */
const MANY = '1000000';

export const profileFlags = (folder: string | undefined): string[] =>
  folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];

interface Changed {
  profileDir?: string | undefined;
  env?: Environment;
  /** Default: `api`. */
  name?: string;
  /** Default: that of the API, in the folder of our checkout. */
  program?: string[];
  cwd?: string | undefined;
}

/** One API process on this port, as in production, but with rate limits that are never reached. */
export const startApi = async (
  { children, secrets, appDatabaseUrl, redisUrl }: Pick<Servers, 'children' | 'secrets'> & Data,
  port: number,
  { profileDir, env, name = 'api', program = ['api/src/main.ts'], cwd }: Changed = {},
): Promise<void> => {
  children.serve({
    name,
    argv: [process.execPath, ...profileFlags(profileDir), ...program],
    ...(cwd !== undefined && { cwd }),
    env: {
      NODE_ENV: 'production',
      AUTH_SECRET: secrets.AUTH_SECRET,
      KEY_ENCRYPTION_KEYS: secrets.KEY_ENCRYPTION_KEYS,
      CLIENT_SECRET_PEPPERS: secrets.CLIENT_SECRET_PEPPERS,
      API_PORT: String(port),
      METRICS_PORT: '0',
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      DASHBOARD_URL,
      DATABASE_URL: undefined,
      APP_DATABASE_URL: appDatabaseUrl,
      REDIS_URL: redisUrl,
      RATE_LIMIT_MAX_REQUESTS: MANY,
      SIGN_UP_MAX_PER_MINUTE: MANY,
      ...env,
    },
  });
  await waitFor('The API', () => answers(`http://127.0.0.1:${port}/health`));
};
