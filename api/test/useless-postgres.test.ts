import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../src/platform/database.ts';
import type { Database } from '../src/platform/database.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, registerAgent, signUp } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { startPostgresPair } from './support/postgres-servers.ts';
import type { PostgresServer } from './support/postgres-servers.ts';
import { startSilence } from './support/silence.ts';
import type { Silence } from './support/silence.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { until } from '../../dev/test/support/until.ts';

vi.setConfig({ testTimeout: 180_000 });

let primary: PostgresServer;
let standby: PostgresServer;
let proxy: Proxy;
let api: TestApi;
let tenantId: string;
let asks: Record<string, () => Promise<Reply>>;
beforeAll(async () => {
  ({ primary, standby } = await startPostgresPair());
  proxy = await startProxy(primary.appUrl);
  const env = {
    APP_DATABASE_URL: proxy.url,
    // No connection ends for want of work: each end is told apart.
    DB_POOL_IDLE_TIMEOUT_MS: '600000',
    RATE_LIMIT_MAX_REQUESTS: '1000000',
    BILLING_ENABLED: 'false',
  };
  api = await startApi({ database: 'a server of its own', env });
  const member = await signUp(api);
  ({ tenantId } = member);
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
  expect(await api.deps.db.look()).toMatchObject({ state: 'degraded', cause: { code: '25006' } });
  await until('no connection from before is left', async () => {
    const now = (await connectionsAt(primary)).map(({ pid }) => pid);
    return before.every(({ pid }) => !now.includes(pid));
  });
  await setReadOnly(primary, 'off');
  await expectServed();
  await until('it listens again', async () => (await listenerOf(primary)).length === 1);
});

it('A read-only Postgres is told while nobody asks', async () => {
  await setReadOnly(primary, 'on');
  await until('it is told', async () => (await databaseOf()) === 'degraded');
  await setReadOnly(primary, 'off');
  await until('it is well', async () => (await databaseOf()) === 'connected');
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

it('Idle connections end with the first that is found useless', async () => {
  const { peoplePool: pool } = api.deps;
  await Promise.all([1, 2, 3, 4, 5].map(() => pool.query('select pg_sleep(0.2)')));
  expect(pool.idleCount).toBe(5);
  proxy.strand();
  await expect(pool.query('select 1')).rejects.toThrow('Connection terminated');
  await Promise.all([1, 2, 3, 4].map(() => pool.query('select 1')));
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

it('A statement that waits too long fails alone', async () => {
  const before = await connectionsAt(primary);
  const holder = new pg.Client(primary.adminUrl);
  await holder.connect();
  await holder.query('begin; select from tenant_subscriptions for update');
  const reply = await asks['a new agent']!();
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
  await holder.end();
  const now = (await connectionsAt(primary)).map(({ pid }) => pid);
  expect(now).toEqual(expect.arrayContaining(before.map(({ pid }) => pid)));
});

it('A transaction that its process forgot is ended', async () => {
  const [locked, remembered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const outcome = api.deps.db.withTenant(tenantId, async (trx) => {
    await trx.raw('select from tenant_subscriptions for update');
    locked.resolve();
    await remembered.promise;
    await trx.raw('select 1');
  });
  await locked.promise;
  expect((await asks['a new agent']!()).status).toBe(503);
  await until('the lock is free', async () => (await asks['a new agent']!()).status === 201);
  remembered.resolve();
  await expect(outcome).rejects.toThrow();
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
  await setReadOnly(primary, 'off');
  proxy.lead(primary.appUrl);
  await proxy.cut();
  await proxy.mend();
});

it('A Postgres that lets nobody in answers 503', async () => {
  const guest = new pg.Client(standby.adminUrl);
  await guest.connect();
  await standby.stopWhenAlone();
  proxy.lead(standby.appUrl);
  await proxy.cut();
  await proxy.mend();
  await expectRefused('degraded');
  expect(await api.deps.db.look()).toMatchObject({ state: 'degraded', cause: { code: '57P03' } });
  await guest.end();
  proxy.lead(primary.appUrl);
  await expectServed();
});

describe('Whoever waits for a connection is told at once', () => {
  let silence: Silence;
  let way: Proxy;
  let db: Database;
  beforeEach(async () => {
    silence = await startSilence();
    way = await startProxy(primary.appUrl);
    const long = { DB_POOL_IDLE_TIMEOUT_MS: 600_000, DB_POOL_CONNECTION_TIMEOUT_MS: 600_000 };
    db = createDatabase({ ...long, APP_DATABASE_URL: way.url, DB_POOL_MIN: 0, DB_POOL_MAX: 1 });
  });
  afterEach(async () => {
    way.lead(primary.appUrl);
    await db.close();
    await way.close();
    silence.close();
  });

  const ask = () => db.acrossTenants((trx) => trx.raw('select 1'));
  /** The pool alone would try once for each of them, one after the other. */
  const expectToldAtOnce = async (): Promise<void> => {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, ask));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
    expect(silence.taken()).toBeLessThan(3);
  };

  it('that the server is found useless', async () => {
    await ask();
    way.lead(silence.url);
    way.strand();
    await expectToldAtOnce();
  });

  it('that no connection can be made', async () => {
    way.lead(silence.url);
    await expectToldAtOnce();
  });
});
