import type { NativeConnection, State, Worker } from '@temporalio/worker';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Seen } from '@sentryagent/api/platform/service-state';
import { askTemporal, type Temporal } from '@sentryagent/api/platform/temporal';

/** More than one, because new workers lose the workflow cache and a short pause of Temporal is harmless. */
const SILENT_LOOKS = 2;

export interface WorkerParts {
  connect(): Promise<NativeConnection>;
  create(connection: NativeConnection): Promise<Worker[]>;
  /** A separate connection to the same server. */
  temporal: Temporal;
  logger: Logger;
}

export interface RunningWorkers {
  states(): State[];
  /** Checks the connection of the workers. Replaces it if only this connection is silent. */
  look(): Promise<Seen>;
  /** Stops polling for tasks. */
  stop(): void;
  /** Resolves when all work has finished. Rejects if a worker fails. */
  ended: Promise<void>;
}

/** The workers of one connection. */
interface WorkerSet {
  connection: NativeConnection;
  workers: Worker[];
  /** Resolves when all work has finished and the connection is closed. Rejects as soon as a worker fails. */
  ended: Promise<unknown>;
  /** Waits for all workers. Never rejects. */
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
 * The SDK closes a silent connection only after 45 seconds, and a worker with a replaced connection waits as long for
 * its old polls. So new workers take over while the old ones shut down. There are never more than two sets: the next
 * replacement waits until the old workers have stopped.
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
        // If creating the workers fails, the process exits, so that a new process can start.
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
