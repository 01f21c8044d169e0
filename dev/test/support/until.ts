import { setTimeout as wait } from 'node:timers/promises';

/** Waits until it is so, however busy the machine; an error counts as not yet. */
export const until = async (
  what: string,
  isSo: () => Promise<boolean> | boolean,
  boundMs = 60_000,
): Promise<void> => {
  // By the date: a test may hold the other time (`time.ts`).
  const deadline = Date.now() + boundMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await wait(50);
  }
  throw new Error(`not within ${boundMs} ms: ${what}`, { cause: last });
};
