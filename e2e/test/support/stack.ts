import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { freePort } from '../../../dev/src/ports.ts';
import { KEYS, startBilling } from './billing.ts';
import type { Billing } from './billing.ts';
import { required } from '../../../dev/test/support/required.ts';
import { answers, program } from './processes.ts';

export interface Stack {
  apiUrl: string;
  dashboardUrl: string;
  /** Where the API serves its metrics. */
  metricsUrl: string;
  /** SQL as the superuser. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  stopApi(): Promise<void>;
  startApi(): Promise<void>;
  /** Deletes the counts that Redis has. The API reads the stored ones again. */
  emptyRedis(): Promise<void>;
  /** One more dashboard over the same API, as set up otherwise; it is told the first one's origin. */
  startDashboard(env: Record<string, string>): Promise<Dashboard>;
  /** What the dashboard has written to its error output. */
  dashboardErrors(): string;
  close(): Promise<void>;
}

export interface Dashboard {
  url: string;
  errors(): string;
  stop(): Promise<void>;
}

/** A stack that can sell. */
export interface SellingStack extends Stack {
  billing: Billing;
}

const databaseUrl = (name: string, user?: string): string => {
  const url = new URL(required('TEST_DATABASE_URL'));
  url.pathname = `/${name}`;
  if (user !== undefined) [url.username, url.password] = [user, 'only-for-tests'];
  return url.toString();
};

const query = async (
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
};

/** The last of the worker's 16 Redis databases is kept for journeys; emptied. */
const emptyRedis = async (): Promise<string> => {
  const url = new URL(required('TEST_REDIS_URL'));
  const index = Number(process.env.VITEST_POOL_ID ?? 1) * 16 - 1;
  const socket = connect(Number(url.port), url.hostname);
  await once(socket, 'connect');
  socket.write(`SELECT ${index}\r\nFLUSHDB\r\nQUIT\r\n`);
  socket.resume();
  await once(socket, 'close');
  url.pathname = `/${index}`;
  return url.toString();
};

interface Place {
  database: string;
  apiUrl: string;
  dashboardUrl: string;
  metricsUrl: string;
}

const findPlace = async (): Promise<Place> => {
  const database = `e2e_${randomBytes(6).toString('hex')}`;
  await query(databaseUrl('postgres'), `create database ${database} template sentryagent_template`);
  const [apiPort, dashboardPort] = [await freePort(), await freePort()];
  const [apiUrl, dashboardUrl] = [`http://localhost:${apiPort}`, `http://localhost:${dashboardPort}`];
  return { database, apiUrl, dashboardUrl, metricsUrl: `http://127.0.0.1:${await freePort()}/metrics` };
};

const appUrl = ({ database }: Place): string => databaseUrl(database, 'sentryagent_test_login');

const apiProgram = async (place: Place, env: Record<string, string>) => {
  const key = Buffer.alloc(32, 9).toString('base64');
  const environment = {
    API_HOST: 'localhost',
    API_PORT: new URL(place.apiUrl).port,
    METRICS_PORT: new URL(place.metricsUrl).port,
    PUBLIC_URL: place.apiUrl,
    DASHBOARD_URL: place.dashboardUrl,
    APP_DATABASE_URL: appUrl(place),
    REDIS_URL: await emptyRedis(),
    AUTH_SECRET: randomBytes(32).toString('hex'),
    KEY_ENCRYPTION_KEYS: KEYS,
    CLIENT_SECRET_PEPPERS: `p1:${key}`,
    ...env,
  };
  return program(['api/src/main.ts'], environment, () => answers(`${place.apiUrl}/health`));
};

const dashboardProgram = ({ apiUrl, dashboardUrl }: Place, env: Record<string, string>) => {
  const environment = {
    HOST: 'localhost',
    PORT: new URL(dashboardUrl).port,
    ORIGIN: dashboardUrl,
    API_URL: apiUrl,
    PUBLIC_API_URL: apiUrl,
    ...env,
  };
  return program(['dashboard/build'], environment, () => answers(dashboardUrl));
};

const startDashboard = async (place: Place, env: Record<string, string>): Promise<Dashboard> => {
  const url = `http://localhost:${await freePort()}`;
  const other = dashboardProgram({ ...place, dashboardUrl: url }, { ORIGIN: place.dashboardUrl, ...env });
  await other.start();
  return { url, errors: other.errors, stop: other.stop };
};

const bringUp = async (
  place: Place,
  apiEnv: Record<string, string>,
  dashboardEnv: Record<string, string> = {},
): Promise<Stack> => {
  const { database, apiUrl, dashboardUrl } = place;
  const api = await apiProgram(place, apiEnv);
  const dashboard = dashboardProgram(place, dashboardEnv);
  await Promise.all([api.start(), dashboard.start()]);
  return {
    apiUrl,
    dashboardUrl,
    metricsUrl: place.metricsUrl,
    sql: (text, values) => query(databaseUrl(database), text, values),
    stopApi: api.stop,
    startApi: api.start,
    emptyRedis: async () => void (await emptyRedis()),
    startDashboard: (env) => startDashboard(place, env),
    dashboardErrors: dashboard.errors,
    close: async () => {
      await Promise.all([api.stop(), dashboard.stop()]);
      await query(databaseUrl('postgres'), `drop database ${database} with (force)`);
    },
  };
};

/** The API and the built dashboard as processes, over a database of their own: what a person's browser talks to. */
export const startStack = async (
  env: Record<string, string> = {},
  dashboardEnv: Record<string, string> = {},
): Promise<Stack> => bringUp(await findPlace(), env, dashboardEnv);

/** The pages are linked by the name that the stand-in gives itself. */
const originsOf = ({ isRealStripe, stripeUrl }: Billing): Record<string, string> => {
  if (isRealStripe) return {};
  const origin = `http://localhost:${new URL(stripeUrl).port}`;
  return { CHECKOUT_ORIGIN: origin, PORTAL_ORIGIN: origin };
};

/**
 * The same, with Temporal, a worker and a Stripe whose every request and answer is held against Stripe's schema; or
 * with a real account in test mode.
 */
export const startSellingStack = async (
  env: Record<string, string> = {},
  stripeKey?: string,
): Promise<SellingStack> => {
  const place = await findPlace();
  const workerEnv = { REDIS_URL: await emptyRedis(), ...env };
  const billing = await startBilling({ ...place, appDatabaseUrl: appUrl(place), env: workerEnv, stripeKey });
  const origins = originsOf(billing);
  const stack = await bringUp(place, { ...billing.environment, ...env }, origins);
  return {
    ...stack,
    billing,
    close: async () => {
      const violations = billing.isRealStripe ? [] : await billing.dev<unknown[]>('/violations');
      await billing.worker.stop();
      await stack.close();
      await billing.close();
      if (violations.length > 0) throw new Error(`not Stripe's schema: ${JSON.stringify(violations)}`);
    },
  };
};
