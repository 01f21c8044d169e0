import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

export interface Config {
  root: string;
  /** Data to keep: databases, secrets, logs, the demo sign-in. */
  dataDir: string;
  /** Data that can be deleted: downloads, build stamps, the servers of test runs. */
  cacheDir: string;
  apiPort: number;
  dashboardPort: number;
  temporalPort: number;
  temporalUiPort: number;
  stripePort: number;
  mailPort: number;
  metricsPort: number;
  workerMetricsPort: number;
  /** The ports that must be free, by the name of their variable. */
  portsToTake: Record<string, number>;
  dashboardHost: string;
  /** The origins of the API and the dashboard as a browser sends them. */
  publicUrl: string;
  dashboardUrl: string;
  databaseUrl?: string | undefined;
  appDatabaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  /** If set, the launcher uses this server and does not start its own. The same applies to the other URLs. */
  temporalAddress?: string | undefined;
  smtpUrl?: string | undefined;
  stripeSecretKey?: string | undefined;
  /** Where the dashboard's server reaches the API. */
  apiUrl: string;
  /** Secrets from the environment. They replace those in the data folder. */
  givenSecrets: Environment;
  chromiumPath?: string | undefined;
  /** PATH. */
  searchPath: string;
  /** The whole environment. The started programs inherit it. */
  env: Environment;
}

export type Environment = Record<string, string | undefined>;

const root = fileURLToPath(new URL('../../', import.meta.url));

const pick = (env: Environment, names: string[]): Environment =>
  Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]));

const SECRETS = ['AUTH_SECRET', 'KEY_ENCRYPTION_KEYS', 'CLIENT_SECRET_PEPPERS', 'STRIPE_WEBHOOK_SECRETS'];

type ReadPort = (name: string, initial: number) => number;

const readPorts = (port: ReadPort) => ({
  apiPort: port('API_PORT', 3000),
  dashboardPort: port('DASHBOARD_PORT', 3001),
  temporalPort: port('TEMPORAL_PORT', 7233),
  temporalUiPort: port('TEMPORAL_UI_PORT', 8233),
  stripePort: port('STRIPE_PORT', 12_111),
  mailPort: port('MAIL_PORT', 1080),
  metricsPort: port('METRICS_PORT', 9464),
  workerMetricsPort: port('WORKER_METRICS_PORT', 9465),
});

type Given = Pick<Config, 'temporalAddress' | 'smtpUrl' | 'stripeSecretKey'>;

/** A server that the user provides needs no port of ours. */
const portsToTake = (ports: ReturnType<typeof readPorts>, given: Given): Record<string, number> => ({
  API_PORT: ports.apiPort,
  DASHBOARD_PORT: ports.dashboardPort,
  ...(!given.temporalAddress && {
    TEMPORAL_PORT: ports.temporalPort,
    TEMPORAL_UI_PORT: ports.temporalUiPort,
  }),
  ...(!given.stripeSecretKey && { STRIPE_PORT: ports.stripePort }),
  ...(!given.smtpUrl && { MAIL_PORT: ports.mailPort }),
  METRICS_PORT: ports.metricsPort,
  WORKER_METRICS_PORT: ports.workerMetricsPort,
});

const clashes = (ports: Record<string, number>): string[] =>
  Object.entries(ports).flatMap(([name, port], index, all) =>
    all
      .slice(index + 1)
      .filter(([, other]) => other === port)
      .map(([other]) => `${name} and ${other} must differ`),
  );

/** Checks all settings and collects all problems. An empty value counts as absent. */
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

  const address = (name: string): string | undefined => {
    const value = text(name);
    const ok = !value || /^[^\s:/]+:\d{1,5}$/.test(value);
    if (!ok) problems.push(`${name} must be host:port`);
    return value;
  };

  const ports = readPorts(port);
  const given: Given = {
    temporalAddress: address('TEMPORAL_ADDRESS'),
    smtpUrl: url('SMTP_URL', 'smtp', /^smtps?:\/\//),
    stripeSecretKey: text('STRIPE_SECRET_KEY'),
  };
  const toTake = portsToTake(ports, given);
  problems.push(...clashes(toTake));
  const config: Config = {
    root,
    dataDir: resolve(root, text('SENTRYAGENT_DATA_DIR') ?? '.data'),
    cacheDir: resolve(root, '.cache'),
    ...ports,
    ...given,
    portsToTake: toTake,
    dashboardHost: text('DASHBOARD_HOST') ?? '127.0.0.1',
    publicUrl: origin('PUBLIC_URL') ?? `http://localhost:${ports.apiPort}`,
    dashboardUrl: origin('DASHBOARD_URL') ?? `http://localhost:${ports.dashboardPort}`,
    databaseUrl: database('DATABASE_URL'),
    appDatabaseUrl: database('APP_DATABASE_URL'),
    redisUrl: url('REDIS_URL', 'redis', /^rediss?:\/\//),
    apiUrl: origin('API_URL') ?? `http://localhost:${ports.apiPort}`,
    givenSecrets: pick(env, SECRETS),
    chromiumPath: text('CHROMIUM_PATH'),
    searchPath: text('PATH') ?? '',
    env,
  };
  if (config.appDatabaseUrl && !config.databaseUrl) {
    problems.push('APP_DATABASE_URL needs DATABASE_URL: set it to the URL of the owner of the same database');
  }
  return { config, problems };
};

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): Config => {
  const { config, problems } = parseConfig(process.env);
  if (problems.length === 0) return config;
  process.stderr.write(`SentryAgent cannot start with these settings:\n  - ${problems.join('\n  - ')}\n`);
  process.exit(78);
};
