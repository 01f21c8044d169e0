import { plural } from '../platform/plain-words.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** How long to wait, in words, rounded up. `Retry-After` has the seconds. */
export const waitWords = (ms: number): string => {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  if (seconds <= 90) return plural(seconds, 'second');
  if (seconds <= 50 * MINUTE) return `about ${plural(Math.ceil(seconds / MINUTE), 'minute')}`;
  const hours = Math.ceil(seconds / HOUR);
  return hours === 1 ? 'about an hour' : `about ${plural(hours, 'hour')}`;
};
