import { inTime } from './in-time.ts';
import type { Logger } from './logger.ts';

/** What is to be closed, by its name in the log; a part that is not there is `undefined`. */
export type Parts = Readonly<Record<string, (() => unknown) | undefined>>;

/**
 * Closes all parts at once and waits for each at most `ms`: one that fails or hangs keeps no other open. It is logged, and
 * the answer is `false`.
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
  // A part that hangs may leave nothing else that keeps the process alive until its time is over.
  const alive = setInterval(() => {}, ms);
  const closed = await Promise.all(Object.entries(parts).map(closeOne));
  clearInterval(alive);
  return closed.every(Boolean);
};
