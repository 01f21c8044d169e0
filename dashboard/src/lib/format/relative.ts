import { DAY_MS, MINUTE_MS } from './dates.ts';

const format = new Intl.RelativeTimeFormat('en-US', { numeric: 'auto' });

const units = [
  { unit: 'day', ms: DAY_MS },
  { unit: 'hour', ms: 60 * MINUTE_MS },
  { unit: 'minute', ms: MINUTE_MS },
] as const;

/** "6 days ago", "in 2 hours", "yesterday". Within a minute it is "now". Rounded towards now. */
export const formatRelative = (iso: string, now: string): string => {
  const ms = Date.parse(iso) - Date.parse(now);
  const found = units.find((unit) => Math.abs(ms) >= unit.ms);
  return found ? format.format(Math.trunc(ms / found.ms), found.unit) : format.format(0, 'second');
};
