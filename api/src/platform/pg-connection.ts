import type { Socket } from 'node:net';
import pg from 'pg';

const DATE_OID = 1082;
const BIGINT_OID = 20;

/** A `date` stays `YYYY-MM-DD` (as a Date it would shift by the time zone); a count is a number. */
const getTypeParser = (oid: number, format?: string): ((text: string) => unknown) => {
  if (oid === DATE_OID) return String;
  if (oid === BIGINT_OID) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
};

/** Shorter than any caller's patience: a Postgres that accepts and hangs is given up, not waited for. */
export const connection = (url: string) => ({
  connectionString: url,
  connectionTimeoutMillis: 1_500,
  statement_timeout: 2_000,
  idle_in_transaction_session_timeout: 10_000,
  application_name: 'sentryagent-api',
  // A host that is gone without a word is found out while the connection is idle.
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  // A statement is sent when it is given, not when the one before it has been answered.
  pipeline: true,
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

/** Longer than any statement may take: the server says that itself, as long as it says anything. */
const SILENCE_MS = 2_200;

/**
 * Watches a new connection. One whose query stays unanswered is ended: a timer on the query alone would leave its
 * transaction open. `onUseless` hears of that, and of a refused write.
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

/** The connections that may still be used. */
export interface Generation {
  /** Takes in a new connection; rejects, and ends it, if its server takes no writes. */
  admit(client: pg.ClientBase): Promise<void>;
  /** Looks whether the server behind a connection takes writes; rejects if it doesn't. */
  check(client: pg.ClientBase): Promise<void>;
  /** Whether nothing was found out since about the server that this connection leads to. */
  isCurrent(client: pg.ClientBase): boolean;
  /** Nobody uses the connection; it ends, now or as soon as that is found out, if it is of no use any more. */
  rest(client: pg.ClientBase): void;
  /** Somebody does: it is left alone. */
  use(client: pg.ClientBase): void;
}

/**
 * A connection that stays silent, or whose server takes no writes, takes all older ones with it: they lead to the same
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
