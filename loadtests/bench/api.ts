import type { Environment } from '../../dev/src/config.ts';
import { answers, waitFor } from '../../dev/src/wait-for.ts';
import type { Data, Servers } from './servers.ts';

export const DASHBOARD_URL = 'http://dashboard.bench';

/** A limit that is never reached. */
const MANY = '1000000';

export const profileFlags = (folder: string | undefined): string[] =>
  folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];

/** As in production, but with rate limits that are never reached. */
const settingsOf = (
  { secrets, appDatabaseUrl, redisUrl }: Pick<Servers, 'secrets'> & Data,
  port: number,
) => ({
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
});

interface Program {
  profileDir?: string | undefined;
  env?: Environment;
  /** Default: `api`. */
  name?: string;
  /** Default: the whole API. Another program runs a part of it. */
  argv?: string[];
  /** Default: our checkout. */
  root?: string;
}

/** One API process on this port. */
export const startApi = async (
  servers: Pick<Servers, 'children' | 'config' | 'secrets'> & Data,
  port: number,
  { profileDir, env, name = 'api', argv = ['api/src/main.ts'], root = servers.config.root }: Program = {},
): Promise<void> => {
  servers.children.serve({
    name,
    argv: [process.execPath, ...profileFlags(profileDir), ...argv],
    env: { ...settingsOf(servers, port), ...env },
    cwd: root,
  });
  await waitFor(`The program ${name}`, () => answers(`http://127.0.0.1:${port}/health`));
};
