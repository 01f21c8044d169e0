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

interface Team {
  connection: NativeConnection;
  workers: Worker[];
}

const shutDown = ({ workers }: Team): void => {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
};

/**
 * Temporal's SDK gives up a silent connection after 45 seconds, and a worker that is given another one waits as long
 * for the polls that it sent over the first. So new workers take over, and the old ones end beside them.
 */
export const runWorkers = async (
  connection: NativeConnection,
  parts: WorkerParts,
): Promise<RunningWorkers> => {
  const { connect, create, temporal, logger } = parts;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let silentLooks = 0;
  let isStopping = false;
  let replacing: Promise<void> | undefined;

  let current: Team = { connection, workers: await create(connection) };

  const run = async (team: Team): Promise<void> => {
    try {
      await Promise.all(team.workers.map((worker) => worker.run()));
      await team.connection.close();
      if (team === current) resolve();
    } catch (error) {
      if (team === current) reject(error as Error);
      else logger.warn({ err: error }, 'workers that were replaced did not end well');
    }
  };
  const replace = async (): Promise<void> => {
    const connection = await connect();
    const next = { connection, workers: await create(connection) };
    const old = current;
    current = next;
    silentLooks = 0;
    void run(next);
    shutDown(isStopping ? next : old);
    logger.warn('the connection to Temporal was silent: workers of a new one go on');
  };

  void run(current);
  return {
    states: () => current.workers.map((worker) => worker.getState()),
    look: async () => {
      const seen = await askTemporal(current.connection);
      silentLooks = seen.state === 'disconnected' ? silentLooks + 1 : 0;
      const isSilent = silentLooks >= SILENT_LOOKS && !isStopping && !replacing;
      if (isSilent && (await temporal.look()).state === 'connected')
        replacing ??= replace()
          .catch((error: unknown) => logger.warn({ err: error }, 'Temporal could not be connected anew'))
          .finally(() => (replacing = undefined));
      return seen;
    },
    stop: () => {
      isStopping = true;
      shutDown(current);
    },
    ended,
  };
};
