import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, registerAgent, signUp } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { startPostgresPair } from './support/postgres-servers.ts';
import type { PostgresServer } from './support/postgres-servers.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { until } from './support/until.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Takes connections and says nothing. */
const startSilence = async (): Promise<{ url: string; close(): void }> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {}))).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return {
    url: `postgres://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};

let primary: PostgresServer;
let standby: PostgresServer;
let proxy: Proxy;
let api: TestApi;
let asks: Record<string, () => Promise<Reply>>;
beforeAll(async () => {
  ({ primary, standby } = await startPostgresPair());
  proxy = await startProxy(primary.appUrl);
  const env = { APP_DATABASE_URL: proxy.url, RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  api = await startApi({ database: 'a server of its own', env });
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  let names = 0;
  asks = {
    'a token': () => agent.requestToken(),
    'a list, as an agent': () => agent.get('/agents'),
    'a list, as a member': () => member.get('/agents'),
    'a new agent': () => member.post('/agents', { name: `agent ${++names}` }),
    'a sign-in': () => post(api, '/auth/sign-in', { email: member.email, password: member.password }),
  };
});
afterAll(async () => {
  await proxy.cut();
  await api.close();
  await primary.stop();
  await standby.stop();
});

const databaseOf = async (): Promise<unknown> =>
  ((await call(api, '/health')).body.services as Record<string, unknown>).database;

const expectServed = async (): Promise<void> => {
  await until('all is served again', async () => {
    const replies = await Promise.all(Object.values(asks).map((ask) => ask()));
    return replies.every(({ status }) => status < 300) && (await databaseOf()) === 'connected';
  });
};

/** What can't be done is told as that, with when to try again: never as a defect, and never as done. */
const expectRefused = async (state: string): Promise<void> => {
  await until(`the database is told as ${state}`, async () => {
    for (const reply of await Promise.all(Object.values(asks).map((ask) => ask()))) {
      if (reply.status < 300) continue;
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
    }
    return (await databaseOf()) === state;
  });
  for (const [what, ask] of Object.entries(asks)) expect([what, (await ask()).status]).toEqual([what, 503]);
};

/** Ours at this server: its pools, and its listener. */
const connectionsAt = async (server: PostgresServer): Promise<{ pid: number; name: string }[]> =>
  (await server.sql(
    `select pid, application_name as name from pg_stat_activity where application_name like 'sentryagent%'`,
  )) as { pid: number; name: string }[];

const listenerOf = async (server: PostgresServer): Promise<number[]> =>
  (await connectionsAt(server)).filter(({ name }) => name === 'sentryagent-listener').map(({ pid }) => pid);

const setReadOnly = async (server: PostgresServer, to: 'on' | 'off'): Promise<void> => {
  await server.sql(`alter system set default_transaction_read_only = ${to}`);
  await server.sql('select pg_reload_conf()');
};

beforeEach(() => expectServed());

it('A read-only Postgres answers 503 and is left', async () => {
  const before = await connectionsAt(primary);
  await setReadOnly(primary, 'on');
  await expectRefused('degraded');
  await until('no connection from before is left', async () => {
    const now = (await connectionsAt(primary)).map(({ pid }) => pid);
    return before.every(({ pid }) => !now.includes(pid));
  });
  await setReadOnly(primary, 'off');
  await expectServed();
  await until('it listens again', async () => (await listenerOf(primary)).length === 1);
});

it('A half-open connection to Postgres is replaced', async () => {
  await until('it listens', async () => (await listenerOf(primary)).length === 1);
  const [old] = await listenerOf(primary);
  proxy.strand();
  await expectServed();
  await until('it listens over a new connection', async () =>
    (await listenerOf(primary)).some((pid) => pid !== old),
  );
});

it('A frozen Postgres answers 503 and is left', async () => {
  const silence = await startSilence();
  proxy.lead(silence.url);
  proxy.strand();
  await expectRefused('disconnected');
  proxy.lead(primary.appUrl);
  await expectServed();
  silence.close();
});

it('A failed-over Postgres is used without a restart', async () => {
  await setReadOnly(primary, 'on');
  proxy.lead(standby.appUrl);
  await expectRefused('degraded');
  await standby.sql('select pg_promote()');
  await until('all works at the new primary', async () => {
    const replies = await Promise.all([asks['a sign-in']!(), asks['a token']!()]);
    // The copy was made before anybody signed up: what is asked is answered from it, and not by the old one.
    return replies.every(({ status }) => status === 401);
  });
  await until('nobody is left at the old one', async () => (await connectionsAt(primary)).length === 0);
  await until('it listens at the new one', async () => (await listenerOf(standby)).length === 1);
});
