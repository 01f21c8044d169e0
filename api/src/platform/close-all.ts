import { inTime } from './in-time.ts';
import type { Logger } from './logger.ts';

/** What to close, by the name to log. `undefined`: nothing to close. */
export type Parts = Readonly<Record<string, (() => unknown) | undefined>>;

/**
 * Closes all parts in parallel and waits at most `ms`. Logs each part that fails or hangs. Returns whether all were
 * closed.
 */
export const closeAll = async (parts: Parts, ms: number, logger: Logger): Promise<boolean> => {
  const late = () => new Error(`not closed within ${ms} ms`);
  const closeOne = async ([part, close]: [string, Parts[string]]): Promise<boolean> => {
    try {
      await inTime(ms, (async () => close?.())(), late);
      return true;
    } catch (error) {
      logger.error({ err: error, part }, 'a part could not be closed');
      return false;
    }
  };
  // Keeps the process alive until the deadline, because a part that hangs may not.
  const alive = setInterval(() => {}, ms);
  const closed = await Promise.all(Object.entries(parts).map(closeOne));
  clearInterval(alive);
  return closed.every(Boolean);
};
