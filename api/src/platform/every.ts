import type { Logger } from './logger.ts';

/** Runs work at an interval, never twice at once. A failure is logged, and the next run tries again. */
export const every = (ms: number, logger: Logger, name: string, work: () => Promise<void>): (() => void) => {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    work()
      .catch((error: unknown) => logger.warn({ err: error }, `${name} failed and is retried`))
      .finally(() => (running = false));
  }, ms);
  timer.unref();
  return () => clearInterval(timer);
};
