import type { Logger } from '@sentryagent/api/platform/logger';
import type { RunningWorkers } from './run-workers.ts';

/** The 15 s that work in progress is given, and some to tell Temporal: a silent one would be waited for 30 s. */
const STOP_MS = 20_000;

export interface Stopping {
  /** Has the workers take no more work. */
  stop(): void;
  /** Resolves once no worker works, or is waited for, any more: whether all work has ended well. */
  ended: Promise<boolean>;
}

/** Waits for the workers for as long as nobody stops them, and `stopMs` from then. */
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
