import type { Socket } from 'node:net';
import pg from 'pg';

const DATE_OID = 1082;
const BIGINT_OID = 20;

/** A `date` stays `YYYY-MM-DD`, because a Date would shift it by the time zone. A `bigint` becomes a number. */
const getTypeParser = (oid: number, format?: string): ((text: string) => unknown) => {
  if (oid === DATE_OID) return String;
  if (oid === BIGINT_OID) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
};

/** Shorter than the timeout of the callers, because Postgres can accept a connection and hang. */
export const connection = (url: string) => ({
  connectionString: url,
  connectionTimeoutMillis: 1_500,
  statement_timeout: 2_000,
  idle_in_transaction_session_timeout: 10_000,
  application_name: 'sentryagent-api',
  // Detects on idle connections that the host has disappeared.
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  types: { getTypeParser },
});

interface Driver {
  readyForQuery: boolean;
  _ending: boolean;
  connection: {
    stream: Socket;
    on(event: 'errorMessage', heard: (message: { code?: string }) => void): void;
  };
}

const driverOf = (client: pg.ClientBase) => client as unknown as Driver;

export const streamOf = (client: pg.ClientBase): Socket => driverOf(client).connection.stream;

/** `read_only_sql_transaction` */
const READ_ONLY = '25006';

const isReadOnly = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && error.code === READ_ONLY;

const assertWritable = async (client: pg.ClientBase): Promise<void> => {
  const { rows } = await client.query<{ transaction_read_only: string }>('show transaction_read_only');
  if (rows[0]?.transaction_read_only !== 'on') return;
  const error = new pg.DatabaseError('Postgres takes no writes: it is a standby or read-only', 0, 'error');
  error.code = READ_ONLY;
  throw error;
};

/** Longer than the server's statement timeout, so it only expires if the server is silent. */
const SILENCE_MS = 2_200;

/**
 * Watches a new connection. Closes it if a query gets no response, because a timeout of the query alone would leave its
 * transaction open. Calls `onUseless` then, and if the server rejects a write.
 */
const watch = (client: pg.ClientBase, onUseless: (why: Error) => void): void => {
  const driver = driverOf(client);
  const { stream } = driver.connection;
  stream.setTimeout(SILENCE_MS);
  stream.on('timeout', () => {
    if (driver.readyForQuery && !driver._ending) return;
    stream.destroy();
    onUseless(new Error('Connection terminated: Postgres does not answer'));
  });
  driver.connection.on('errorMessage', ({ code }) => {
    if (code === READ_ONLY) onUseless(new Error('Connection terminated: Postgres takes no writes'));
  });
};

/** The connections that can still be used. */
export interface Generation {
  /** Adds a new connection. Rejects and closes it if its server is read-only. */
  admit(client: pg.ClientBase): Promise<void>;
  /** Rejects if the server of a connection is read-only. */
  check(client: pg.ClientBase): Promise<void>;
  /** Whether the connection leads to a server that has not failed. */
  isCurrent(client: pg.ClientBase): boolean;
  /** The connection is idle. If its server has failed or fails later, the connection is closed. */
  rest(client: pg.ClientBase): void;
  /** The connection is in use and is not closed from here. */
  use(client: pg.ClientBase): void;
}

/**
 * If a connection is silent or its server is read-only, all older connections are dropped too. They lead to the same
 * server, which has failed or was replaced. `onLost` is called once for all of them.
 */
export const createGeneration = (onLost: (why: Error) => void): Generation => {
  const numbers = new WeakMap<pg.ClientBase, number>();
  const resting = new Set<pg.ClientBase>();
  let current = 0;
  const isCurrent = (client: pg.ClientBase): boolean => numbers.get(client) === current;
  const lose = (client: pg.ClientBase, why: Error): void => {
    if (!isCurrent(client)) return;
    current += 1;
    for (const idle of resting) streamOf(idle).destroy();
    onLost(why);
  };
  const check = async (client: pg.ClientBase): Promise<void> => {
    try {
      await assertWritable(client);
    } catch (error) {
      if (isReadOnly(error)) lose(client, error);
      throw error;
    }
  };
  return {
    isCurrent,
    check,
    admit: async (client) => {
      watch(client, (why) => lose(client, why));
      client.once('end', () => resting.delete(client));
      try {
        await check(client);
      } catch (error) {
        streamOf(client).destroy();
        throw error;
      }
      numbers.set(client, current);
    },
    rest: (client) => {
      if (isCurrent(client)) resting.add(client);
      else void (client as pg.Client).end();
    },
    use: (client) => void resting.delete(client),
  };
};
