import type { Logger } from '@sentryagent/api/platform/logger';
import type { RunningWorkers } from './run-workers.ts';

/** 15 s for running activities, and 5 s to tell Temporal. If Temporal is silent, the SDK would wait 30 s. */
const STOP_MS = 20_000;

export interface Stopping {
  /** The workers stop polling for tasks. */
  stop(): void;
  /** Resolves when all workers have stopped or the time is over. True if all work has finished without an error. */
  ended: Promise<boolean>;
}

/** Waits for the workers. After `stop`, waits for at most `stopMs`. */
export const untilStopped = (
  workers: Pick<RunningWorkers, 'stop' | 'ended'>,
  logger: Logger,
  stopMs = STOP_MS,
): Stopping => {
  const { promise: ended, resolve: end } = Promise.withResolvers<boolean>();
  let timer: NodeJS.Timeout | undefined;
  const failed = (error: unknown): void => {
    logger.fatal({ err: error }, 'a worker failed');
    end(false);
  };
  workers.ended.then(() => end(true), failed);
  const giveUp = (): void => {
    logger.error(`the workers did not stop within ${stopMs / 1_000} s`);
    end(false);
  };
  return {
    stop: () => {
      timer ??= setTimeout(giveUp, stopMs);
      try {
        workers.stop();
      } catch (error) {
        failed(error);
      }
    },
    ended: ended.finally(() => clearTimeout(timer)),
  };
};
