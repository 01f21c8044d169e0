import { UNKNOWN } from './unknown.ts';

export const MINUTE_MS = 60_000;

/** A day in UTC. No daylight saving changes its length. */
export const DAY_MS = 86_400_000;

/** In UTC. `Intl` throws if a date is not valid, which would replace the whole page. */
const formatter = (options: Intl.DateTimeFormatOptions, locale = 'en-US') => {
  const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
  return (iso: string): string => {
    const date = new Date(iso);
    return Number.isNaN(date.getTime()) ? UNKNOWN : format.format(date);
  };
};

/** "December 1, 2026" */
export const formatDay = formatter({ dateStyle: 'long' });

/** "Dec 1, 2026" */
export const formatShortDay = formatter({ dateStyle: 'medium' });

/** "Nov 24" */
export const formatDayOfMonth = formatter({ month: 'short', day: 'numeric' });

/** "Tue, Nov 24" */
export const formatWeekday = formatter({ weekday: 'short', month: 'short', day: 'numeric' });

/** "Tuesday, November 24" */
export const formatLongWeekday = formatter({ weekday: 'long', month: 'long', day: 'numeric' });

/** "14:02" */
export const formatTime = formatter({ timeStyle: 'short' }, 'en-GB');

/** "Dec 1, 2026, 14:02 UTC" */
export const formatMoment = (iso: string): string => `${formatShortDay(iso)}, ${formatTime(iso)} UTC`;

const period = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });

/** "Nov 1 – 30, 2026"; the end is exclusive. */
export const formatPeriod = ({ start, end }: { start: string; end: string }): string => {
  const [first, last] = [new Date(start), new Date(Date.parse(end) - 1)];
  return Number.isNaN(first.getTime() + last.getTime()) ? UNKNOWN : period.formatRange(first, last);
};
