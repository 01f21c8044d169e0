import type { Socket } from 'node:net';
import knexFactory from 'knex';
import type { Knex } from 'knex';
import pg from 'pg';
import type { Config } from '../config.ts';
import type { Logger } from './logger.ts';

/** A transaction that has a role, and at most one tenant, for as long as it lasts. */
export type Transaction = Knex.Transaction;

/** Sends a statement without waiting for those before it; resolves to its rows. */
export type Send = <R>(text: string, values: unknown[]) => Promise<R[]>;

export interface Database {
  /** Runs in a transaction that sees and writes only this tenant's rows. */
  withTenant<T>(tenantId: string, work: (trx: Transaction) => PromiseLike<T>): Promise<T>;
  /** Runs in a transaction that sees no tenant's rows: for the named functions that cross tenants. */
  acrossTenants<T>(work: (trx: Transaction) => PromiseLike<T>): Promise<T>;
  /**
   * As `acrossTenants`, in as few round trips as the work has waits: the transaction's beginning goes out with the
   * work's first statements, and its commit with those whose answers the work did not wait for.
   */
  pipelined<T>(work: (send: Send) => Promise<T>): Promise<T>;
  /** Resolves when Postgres answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

type DatabaseSettings = Pick<
  Config,
  | 'APP_DATABASE_URL'
  | 'DB_POOL_MAX'
  | 'DB_POOL_MIN'
  | 'DB_POOL_IDLE_TIMEOUT_MS'
  | 'DB_POOL_CONNECTION_TIMEOUT_MS'
>;

const DATE_OID = 1082;
const BIGINT_OID = 20;

/** A `date` stays `YYYY-MM-DD` (as a Date it would shift by the time zone); a count is a number. */
const getTypeParser = (oid: number, format?: string): ((text: string) => unknown) => {
  if (oid === DATE_OID) return String;
  if (oid === BIGINT_OID) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
};

/** Longer than any statement may take: the server says that itself, as long as it says anything. */
const SILENCE_MS = 2_200;

const driverOf = (client: pg.ClientBase) =>
  client as unknown as { readyForQuery: boolean; connection: { stream: Socket } };

/** Ends a connection whose query stays unanswered: a timer on the query alone would leave its transaction open. */
const endWhenSilent = (client: pg.ClientBase): void => {
  const driver = driverOf(client);
  const { stream } = driver.connection;
  stream.setTimeout(SILENCE_MS);
  stream.on('timeout', () => {
    if (!driver.readyForQuery) stream.destroy();
  });
};

/** Shorter than any caller's patience: a Postgres that accepts and hangs is given up, not waited for. */
export const connection = (url: string) => ({
  connectionString: url,
  connectionTimeoutMillis: 1_500,
  statement_timeout: 2_000,
  idle_in_transaction_session_timeout: 10_000,
  application_name: 'sentryagent-api',
  // A statement is sent when it is given, not when the one before it has been answered.
  pipeline: true,
  types: { getTypeParser },
});

/** Knex would print what it also rejects with: the request's one log line has it. */
const silent = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} };

const TAKE_ROLE = `select set_config('role', 'sentryagent_app', true), set_config('app.tenant_id', $1, true)`;

/** Postgres skips what follows a failed statement, and its commit is a rollback then: any failure is told. */
const pipelined = async <T>(knex: Knex, work: (send: Send) => Promise<T>): Promise<T> => {
  const client = knex.client as Knex.Client;
  const connection = (await client.acquireConnection()) as pg.ClientBase;
  const { stream } = driverOf(connection).connection;
  const answers: Promise<unknown>[] = [];
  const send: Send = <R>(text: string, values: unknown[]) => {
    // What is sent in one turn goes out in one write.
    stream.cork();
    process.nextTick(() => stream.uncork());
    const answer = connection.query(text, values).then(({ rows }) => rows as R[]);
    answers.push(answer);
    return answer;
  };
  try {
    const begun = [send('begin', []), send(TAKE_ROLE, [''])];
    const [result] = await Promise.all([work(send), ...begun]);
    await Promise.all([send('commit', []), ...answers]);
    return result;
  } catch (error) {
    await Promise.allSettled([...answers, connection.query('rollback')]);
    throw error;
  } finally {
    await client.releaseConnection(connection);
  }
};

/** The pool itself is not handed out: every query runs in a transaction that has taken a role. */
export const createDatabase = (settings: DatabaseSettings): Database => {
  const knex = knexFactory({
    client: 'pg',
    connection: connection(settings.APP_DATABASE_URL),
    log: silent,
    acquireConnectionTimeout: settings.DB_POOL_CONNECTION_TIMEOUT_MS,
    pool: {
      min: Math.min(settings.DB_POOL_MIN, settings.DB_POOL_MAX),
      max: settings.DB_POOL_MAX,
      idleTimeoutMillis: settings.DB_POOL_IDLE_TIMEOUT_MS,
      propagateCreateError: true,
      afterCreate: (client: pg.ClientBase, done: (error: null, client: pg.ClientBase) => void) => {
        endWhenSilent(client);
        done(null, client);
      },
    },
  });
  const inRole = <T>(tenantId: string, work: (trx: Transaction) => PromiseLike<T>): Promise<T> =>
    knex.transaction(async (trx) => {
      await trx.raw(TAKE_ROLE.replace('$1', '?'), [tenantId]);
      return work(trx);
    });
  return {
    withTenant: inRole,
    acrossTenants: (work) => inRole('', work),
    pipelined: (work) => pipelined(knex, work),
    ping: async () => {
      await knex.raw('select 1');
    },
    close: () => knex.destroy(),
  };
};

/** The same database for work that belongs to a transaction which is open already. */
export const joinTransaction = (db: Database, tenantId: string, trx: Transaction): Database => ({
  ...db,
  withTenant: async (asked, work) => {
    if (asked !== tenantId) throw new Error('a transaction is of one tenant');
    return work(trx);
  },
});

/** Sign-up and sign-in work in three at a time (`http/doors.ts`); two more are always left for sessions. */
const FEWEST_FOR_PEOPLE = 5;

/** better-auth's own pool: its connections work as the one role that may see the people's tables. */
export const createPeoplePool = (settings: DatabaseSettings, logger: Logger): pg.Pool => {
  const pool = new pg.Pool({
    ...connection(settings.APP_DATABASE_URL),
    options: '-c role=sentryagent_auth',
    max: Math.max(FEWEST_FOR_PEOPLE, Math.ceil(settings.DB_POOL_MAX / 4)),
    idleTimeoutMillis: settings.DB_POOL_IDLE_TIMEOUT_MS,
  });
  // A connection that breaks is replaced by the pool; unheard, the event would end the process. One that is in use
  // tells its query as well.
  pool.on('connect', (client) => {
    endWhenSilent(client);
    client.on('error', () => {});
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle database connection broke'));
  return pool;
};
