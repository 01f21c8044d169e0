import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

export interface Config {
  root: string;
  /** What a person would miss: databases, secrets, logs, the demo sign-in. */
  dataDir: string;
  /** What can be had again: downloads, stamps, the servers of test runs. */
  cacheDir: string;
  apiPort: number;
  dashboardPort: number;
  dashboardHost: string;
  /** The API's origin, and the dashboard's, as a browser writes them. */
  publicUrl: string;
  dashboardUrl: string;
  databaseUrl?: string | undefined;
  appDatabaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  /** Where the dashboard's server reaches the API. */
  apiUrl: string;
  /** Secrets that the caller gives instead of those kept in the data folder. */
  givenSecrets: Environment;
  chromiumPath?: string | undefined;
  /** PATH, in which programs are looked for. */
  searchPath: string;
  /** The caller's whole environment: what this program does not name itself goes on to the parts. */
  env: Environment;
}

export type Environment = Record<string, string | undefined>;

const root = fileURLToPath(new URL('../../', import.meta.url));

const pick = (env: Environment, names: string[]): Environment =>
  Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]));

/** Judges every setting at once. Empty counts as absent. */
export const parseConfig = (env: Environment): { config: Config; problems: string[] } => {
  const problems: string[] = [];
  const text = (name: string): string | undefined => env[name] || undefined;

  const port = (name: string, initial: number): number => {
    const value = Number(text(name) ?? initial);
    const ok = Number.isInteger(value) && value > 0 && value < 65_536;
    if (!ok) problems.push(`${name} must be a port between 1 and 65535`);
    return ok ? value : initial;
  };

  const url = (name: string, scheme: string, protocol: RegExp): string | undefined => {
    const value = text(name);
    const ok = !value || (protocol.test(value) && URL.canParse(value));
    if (!ok) problems.push(`${name} must be a ${scheme}:// URL`);
    return value;
  };
  const origin = (name: string) => url(name, 'http', /^https?:\/\//);
  const database = (name: string) => url(name, 'postgres', /^postgres(ql)?:\/\//);

  const [apiPort, dashboardPort] = [port('API_PORT', 3000), port('DASHBOARD_PORT', 3001)];
  if (apiPort === dashboardPort) problems.push('API_PORT and DASHBOARD_PORT must differ');
  const config: Config = {
    root,
    dataDir: resolve(root, text('SENTRYAGENT_DATA_DIR') ?? '.data'),
    cacheDir: resolve(root, '.cache'),
    apiPort,
    dashboardPort,
    dashboardHost: text('DASHBOARD_HOST') ?? '127.0.0.1',
    publicUrl: origin('PUBLIC_URL') ?? `http://localhost:${apiPort}`,
    dashboardUrl: origin('DASHBOARD_URL') ?? `http://localhost:${dashboardPort}`,
    databaseUrl: database('DATABASE_URL'),
    appDatabaseUrl: database('APP_DATABASE_URL'),
    redisUrl: url('REDIS_URL', 'redis', /^rediss?:\/\//),
    apiUrl: origin('API_URL') ?? `http://localhost:${apiPort}`,
    givenSecrets: pick(env, ['AUTH_SECRET', 'KEY_ENCRYPTION_KEYS', 'CLIENT_SECRET_PEPPERS']),
    chromiumPath: text('CHROMIUM_PATH'),
    searchPath: text('PATH') ?? '',
    env,
  };
  if (config.appDatabaseUrl && !config.databaseUrl) {
    problems.push('APP_DATABASE_URL needs DATABASE_URL, the owner of the same database');
  }
  return { config, problems };
};

/** The one place of this program that reads its environment. Exits 78 (EX_CONFIG) when it can't go on. */
export const readConfig = (): Config => {
  const { config, problems } = parseConfig(process.env);
  if (problems.length === 0) return config;
  process.stderr.write(`SentryAgent cannot start with these settings:\n  - ${problems.join('\n  - ')}\n`);
  process.exit(78);
};
