import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

const root = new URL('../../../', import.meta.url).pathname;

export interface Stack {
  apiUrl: string;
  dashboardUrl: string;
  /** SQL as the superuser. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  stopApi(): Promise<void>;
  startApi(): Promise<void>;
  close(): Promise<void>;
}

const required = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests by "npm test"`);
  return value;
};

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

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const start = (args: string[], env: Record<string, string>): ChildProcess => {
  const child = spawn(process.execPath, args, { cwd: root, env: { PATH: process.env.PATH, ...env } });
  child.stderr.pipe(process.stderr);
  child.stdout.resume();
  return child;
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};

const answers = async (url: string): Promise<void> => {
  for (let i = 0; i < 150; i++) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await wait(100);
  }
  throw new Error(`${url} did not come up`);
};

/** One of the two Redis databases that are kept for journeys, emptied. */
const emptyRedis = async (): Promise<string> => {
  const url = new URL(required('TEST_REDIS_URL'));
  const index = 14 + (Number(process.env.VITEST_POOL_ID ?? 1) % 2);
  const socket = connect(Number(url.port), url.hostname);
  await once(socket, 'connect');
  socket.write(`SELECT ${index}\r\nFLUSHDB\r\nQUIT\r\n`);
  socket.resume();
  await once(socket, 'close');
  url.pathname = `/${index}`;
  return url.toString();
};

/** The API and the built dashboard as processes, over a database of their own: what a person's browser talks to. */
export const startStack = async (env: Record<string, string> = {}): Promise<Stack> => {
  const database = `e2e_${randomBytes(6).toString('hex')}`;
  await query(databaseUrl('postgres'), `create database ${database} template sentryagent_template`);
  const [apiPort, dashboardPort] = [await freePort(), await freePort()];
  const [apiUrl, dashboardUrl] = [`http://localhost:${apiPort}`, `http://localhost:${dashboardPort}`];
  const key = Buffer.alloc(32, 9).toString('base64');
  const apiEnvironment = {
    API_HOST: 'localhost',
    API_PORT: String(apiPort),
    PUBLIC_URL: apiUrl,
    DASHBOARD_URL: dashboardUrl,
    APP_DATABASE_URL: databaseUrl(database, 'sentryagent_test_login'),
    REDIS_URL: await emptyRedis(),
    AUTH_SECRET: randomBytes(32).toString('hex'),
    KEY_ENCRYPTION_KEYS: `k1:${key}`,
    CLIENT_SECRET_PEPPERS: `p1:${key}`,
    ...env,
  };
  let api = start(['api/src/main.ts'], apiEnvironment);
  const dashboard = start(['dashboard/build'], {
    HOST: 'localhost',
    PORT: String(dashboardPort),
    ORIGIN: dashboardUrl,
    API_URL: apiUrl,
    PUBLIC_API_URL: apiUrl,
  });
  await Promise.all([answers(`${apiUrl}/health`), answers(dashboardUrl)]);
  return {
    apiUrl,
    dashboardUrl,
    sql: (text, values) => query(databaseUrl(database), text, values),
    stopApi: () => stop(api),
    startApi: async () => {
      api = start(['api/src/main.ts'], apiEnvironment);
      await answers(`${apiUrl}/health`);
    },
    close: async () => {
      await Promise.all([stop(api), stop(dashboard)]);
      await query(databaseUrl('postgres'), `drop database ${database} with (force)`);
    },
  };
};
