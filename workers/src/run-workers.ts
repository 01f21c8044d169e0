import type { NativeConnection, State, Worker } from '@temporalio/worker';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Seen } from '@sentryagent/api/platform/service-state';
import { askTemporal } from '@sentryagent/api/platform/temporal';
import type { Temporal } from '@sentryagent/api/platform/temporal';

/** More than one, or a pause of Temporal's would cost the runs that the workers have cached. */
const SILENT_LOOKS = 2;

export interface WorkerParts {
  connect(): Promise<NativeConnection>;
  create(connection: NativeConnection): Promise<Worker[]>;
  /** Another way to the same Temporal. */
  temporal: Temporal;
  logger: Logger;
}

export interface RunningWorkers {
  states(): State[];
  /** Asks Temporal over the connection by which work comes, and leaves that if it alone is silent. */
  look(): Promise<Seen>;
  /** Takes no more work. */
  stop(): void;
  /** Work in progress has ended. Rejects if a worker cannot go on. */
  ended: Promise<void>;
}

/** Workers of one connection. */
interface WorkerSet {
  connection: NativeConnection;
  workers: Worker[];
  /** All work has ended, and the connection is closed. Rejects as soon as a worker fails. */
  ended: Promise<unknown>;
  /** The same, but waits for every worker, and never rejects. */
  settled: Promise<unknown>;
}

const shutDown = ({ workers }: WorkerSet): void => {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
};

const startSet = (connection: NativeConnection, workers: Worker[]): WorkerSet => {
  const runs = workers.map((worker) => worker.run());
  const closed = Promise.allSettled(runs).then(() => connection.close());
  return {
    connection,
    workers,
    ended: Promise.all([...runs, closed]),
    settled: Promise.allSettled([...runs, closed]),
  };
};

/**
 * Temporal's SDK gives up a silent connection after 45 seconds, and a worker that is given another one waits as long
 * for the polls that it sent over the first. So new workers take over, and the old ones end beside them. There are
 * never more than two sets: the next replacement waits until the old workers have ended.
 */
export const runWorkers = async (
  first: NativeConnection,
  { connect, create, temporal, logger }: WorkerParts,
): Promise<RunningWorkers> => {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let silentLooks = 0;
  let isStopping = false;
  let replacing: Promise<unknown> | undefined;

  const follow = (set: WorkerSet): void => {
    set.ended.then(
      () => set === current && resolve(),
      (error: unknown) => {
        if (set === current) reject(error as Error);
        else logger.warn({ err: error }, 'replaced workers failed while stopping');
      },
    );
  };
  const replace = async (): Promise<void> => {
    const connection = await connect();
    const next = startSet(connection, await create(connection));
    const old = current;
    current = next;
    silentLooks = 0;
    follow(next);
    shutDown(isStopping ? next : old);
    logger.warn('the connection to Temporal was silent; new workers use a new connection');
    await old.settled;
  };

  let current = startSet(first, await create(first));
  follow(current);
  return {
    states: () => current.workers.map((worker) => worker.getState()),
    look: async () => {
      const seen = await askTemporal(current.connection);
      silentLooks = seen.state === 'disconnected' ? silentLooks + 1 : 0;
      const isSilent = silentLooks >= SILENT_LOOKS && !isStopping && !replacing;
      if (isSilent && (await temporal.look()).state === 'connected')
        // Workers that cannot be made are half made: this process ends, and a new one starts afresh.
        replacing ??= replace().then(() => (replacing = undefined), reject);
      return seen;
    },
    stop: () => {
      isStopping = true;
      shutDown(current);
    },
    ended,
  };
};
