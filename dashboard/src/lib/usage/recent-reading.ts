import { browser } from '$app/env';
import { invalidate } from '$app/navigation';
import { takeReading, type Reading } from './reading.ts';

const RECENT_MS = 30_000;

/** The browser's last reading. The server keeps none, because it serves many tenants. */
let last: { reading: Reading; at: number } | undefined;

/** The usage. Unless the page needs that of now, a recent reading is enough: each costs a request. `given`: that of now. */
export const readUsage = async (
  fetch: typeof globalThis.fetch,
  isNow: boolean,
  given?: Reading,
): Promise<Reading | null> => {
  const isRecent = last !== undefined && performance.now() - last.at < RECENT_MS;
  if (last && isRecent && !isNow) return last.reading;
  const reading = given ?? (await takeReading(fetch));
  last = browser && reading ? { reading, at: performance.now() } : undefined;
  return reading;
};

export const refreshUsage = (): Promise<void> => {
  last = undefined;
  return invalidate('app:usage');
};

/** Waits until the result of a form is shown. Then the usage is read again, unless a redirect has read it. */
export const withFreshUsage = async (show: () => Promise<void>): Promise<void> => {
  last = undefined;
  await show();
  // Later, because a page may replace its URL when it shows a result, which would cancel this.
  setTimeout(() => {
    if (!last) void refreshUsage();
  });
};
