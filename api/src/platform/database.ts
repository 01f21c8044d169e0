import knexFactory from 'knex';
import type { Knex } from 'knex';
import pg from 'pg';
import type { Logger } from './logger.ts';
import { connection, createGeneration, streamOf } from './pg-connection.ts';
import type { Seen, ServiceState } from './service-state.ts';

/** A transaction with a role and at most one tenant. */
export type Transaction = Knex.Transaction;

/** Each connection prepares it once, by its name. */
export interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

export interface TenantDatabase {
  /** Runs `work` in a transaction that sees and writes only rows of this tenant. */
  withTenant<T>(tenantId: string, work: (trx: Transaction) => PromiseLike<T>): Promise<T>;
}

export interface Database extends TenantDatabase {
  /** Runs `work` in a transaction that sees no tenant's rows. Use it to call functions that cross tenants. */
  acrossTenants<T>(work: (trx: Transaction) => PromiseLike<T>): Promise<T>;
  /**
   * Runs one statement in a transaction of its own, which takes one round trip. It sees no tenant's rows. `sent` is called
   * after it was sent. Resolves to the rows.
   */
  runAlone<R>(statement: Statement, sent?: () => void): Promise<R[]>;
  /** Checks whether Postgres responds and accepts writes. */
  look(): Promise<Seen>;
  /** The connections in use, and the requests that wait for one. */
  connections(): { active: number; waiting: number };
  close(): Promise<void>;
}

interface DatabaseSettings {
  APP_DATABASE_URL: string;
  DB_POOL_MAX: number;
  DB_POOL_MIN: number;
  DB_POOL_IDLE_TIMEOUT_MS: number;
  DB_POOL_CONNECTION_TIMEOUT_MS: number;
}

/** Knex prints errors that it also rejects with. They are already in the log line of the request. */
const silent = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} };

const TAKE_ROLE = `select set_config('role', 'sentryagent_app', true), set_config('app.tenant_id', $1, true)`;

const runAlone = async <R>(knex: Knex, statement: Statement, sent: () => void = () => {}): Promise<R[]> => {
  const client = knex.client as Knex.Client;
  const connection = (await client.acquireConnection()) as pg.ClientBase;
  try {
    const answer = connection.query(statement);
    sent();
    return (await answer).rows as R[];
  } finally {
    await client.releaseConnection(connection);
  }
};

/** Is called with each statement that has ended, also with an error, and the time that it took. */
type OnQuery = (sql: string, ms: number) => void;

type Heard = (error: unknown, result: unknown) => void;

/** Sends all statements of one event loop turn in one write, and times each: Knex does not report the end of each. */
const watchQueries = (client: pg.ClientBase, onQuery: OnQuery): void => {
  const stream = streamOf(client);
  const send = client.query.bind(client) as (...args: unknown[]) => Promise<unknown> | undefined;
  const query = (statement: string | { text: string }, ...rest: unknown[]): Promise<unknown> | undefined => {
    stream.cork();
    process.nextTick(() => stream.uncork());
    const started = performance.now();
    const answered = (): void =>
      onQuery(typeof statement === 'string' ? statement : statement.text, performance.now() - started);
    if (typeof rest.at(-1) === 'function') {
      const heard = rest.pop() as Heard;
      rest.push((error: unknown, result: unknown) => {
        answered();
        heard(error, result);
      });
    }
    const answer = send(statement, ...rest);
    answer?.then(answered, answered);
    return answer;
  };
  Object.assign(client, { query });
};

/**
 * Knex would wait for `begin` and then for the role. Here both are sent with the first statement. If one of them fails, so
 * does each statement after it: the connection is lost, or the transaction is aborted.
 */
const beginInRole = (connection: pg.ClientBase, tenantId: string): Promise<void> => {
  connection.query('begin').catch(() => {});
  connection.query(TAKE_ROLE, [tenantId]).catch(() => {});
  return Promise.resolve();
};

interface Pool {
  numUsed(): number;
  numPendingAcquires(): number;
  on(event: 'createFail', heard: (id: number, why: Error & { code?: string }) => void): void;
  on(event: 'acquireSuccess', heard: (id: number, client: pg.ClientBase) => void): void;
  on(event: 'release', heard: (client: pg.ClientBase) => void): void;
}

const poolOf = (client: Knex.Client) => client.pool as Pool;

/** `too_many_connections`: an existing connection can become free. */
const TOO_MANY = '53300';

/**
 * Rejects all requests that wait for a connection as soon as Postgres is lost or a connection cannot be opened. Without
 * this, the pool rejects only one of them, and the others try one after another.
 */
const rejectWaiting = (client: Knex.Client): ((why: Error) => void) => {
  const waiting = new Set<(why: Error) => void>();
  const acquire = client.acquireConnection.bind(client) as () => Promise<unknown>;
  const rejectAll = (why: Error): void => waiting.forEach((reject) => reject(why));
  client.acquireConnection = async () => {
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const taken = acquire();
    waiting.add(reject);
    try {
      return await Promise.race([taken, lost]);
    } catch (error) {
      taken.then(
        (late) => client.releaseConnection(late),
        () => {},
      );
      throw error;
    } finally {
      waiting.delete(reject);
    }
  };
  poolOf(client).on('createFail', (_id, why) => {
    if (why.code !== TOO_MANY) rejectAll(why);
  });
  return rejectAll;
};

/** `degraded` if Postgres responded with an error or the pool is busy. */
const stateOf = (error: unknown): ServiceState =>
  error instanceof pg.DatabaseError || (error instanceof Error && error.name === 'KnexTimeoutError')
    ? 'degraded'
    : 'disconnected';

/** The pool stays private. Its role sees only rows of the tenant that the transaction has set. */
export const createDatabase = (settings: DatabaseSettings, onQuery: OnQuery = () => {}): Database => {
  let lost: (why: Error) => void = () => {};
  const generation = createGeneration((why) => lost(why));
  const knex = knexFactory({
    client: 'pg',
    connection: { ...connection(settings.APP_DATABASE_URL), options: '-c role=sentryagent_app' },
    log: silent,
    acquireConnectionTimeout: settings.DB_POOL_CONNECTION_TIMEOUT_MS,
    pool: {
      min: Math.min(settings.DB_POOL_MIN, settings.DB_POOL_MAX),
      max: settings.DB_POOL_MAX,
      idleTimeoutMillis: settings.DB_POOL_IDLE_TIMEOUT_MS,
      propagateCreateError: true,
      validate: generation.isCurrent,
      afterCreate: (client: pg.ClientBase, done: (error: unknown, client: pg.ClientBase) => void) => {
        watchQueries(client, onQuery);
        generation.admit(client).then(
          () => done(null, client),
          (error: unknown) => done(error, client),
        );
      },
    },
  });
  const client = knex.client as Knex.Client;
  lost = rejectWaiting(client);
  poolOf(client).on('acquireSuccess', (_id, taken) => generation.use(taken));
  poolOf(client).on('release', generation.rest);
  const look = async (): Promise<Seen> => {
    try {
      const taken = (await client.acquireConnection()) as pg.ClientBase;
      await generation.check(taken).finally(() => client.releaseConnection(taken));
      return { state: 'connected' };
    } catch (error) {
      return { state: stateOf(error), cause: error };
    }
  };
  const inRole = <T>(tenantId: string, work: (trx: Transaction) => PromiseLike<T>): Promise<T> => {
    const transaction = knex.transaction(async (trx) => work(trx));
    // It begins in a later microtask.
    const begin = (taken: pg.ClientBase): Promise<void> => beginInRole(taken, tenantId);
    return Object.assign(transaction, { begin });
  };
  return {
    withTenant: inRole,
    acrossTenants: (work) => inRole('', work),
    runAlone: (statement, sent) => runAlone(knex, statement, sent),
    look,
    connections: () => ({
      active: poolOf(client).numUsed(),
      waiting: poolOf(client).numPendingAcquires(),
    }),
    close: () => knex.destroy(),
  };
};

/** A database whose `withTenant` joins this open transaction. */
export const joinTransaction = (tenantId: string, trx: Transaction): TenantDatabase => ({
  withTenant: async (asked, work) => {
    if (asked !== tenantId) throw new Error('this transaction belongs to another tenant');
    return work(trx);
  },
});

/** Sign-up and sign-in use at most three (`http/attempt-limits.ts`). Two stay free for sessions. */
const FEWEST_FOR_PEOPLE = 5;

/** The pool of better-auth. Its role is the only one that can see the tables of users and sessions. */
export const createPeoplePool = (settings: DatabaseSettings, logger: Logger): pg.Pool => {
  const generation = createGeneration(() => {});
  const options = {
    ...connection(settings.APP_DATABASE_URL),
    options: '-c role=sentryagent_auth',
    max: Math.max(FEWEST_FOR_PEOPLE, Math.ceil(settings.DB_POOL_MAX / 4)),
    idleTimeoutMillis: settings.DB_POOL_IDLE_TIMEOUT_MS,
    verify: (client: pg.PoolClient, done: (error?: Error) => void) => {
      generation.admit(client).then(() => done(), done);
    },
  };
  const pool = new pg.Pool(options);
  // Without a listener, a lost connection would end the process. The pool replaces it, and a running query rejects.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('acquire', generation.use);
  pool.on('release', (_error, client) => generation.rest(client));
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle database connection was lost'));
  return pool;
};
