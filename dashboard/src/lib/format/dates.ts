import { UNKNOWN } from './unknown.ts';

const day = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });
const shortDay = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const dayOfMonth = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' });
const weekday = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  month: 'short',
  day: 'numeric',
  timeZone: 'UTC',
});
const longWeekday = new Intl.DateTimeFormat('en-US', {
  weekday: 'long',
  month: 'long',
  day: 'numeric',
  timeZone: 'UTC',
});
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'UTC' });

/** `Intl` throws if a date is not valid, which would replace the whole page. */
const format = (how: Intl.DateTimeFormat, iso: string): string => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? UNKNOWN : how.format(date);
};

/** "December 1, 2026" in UTC. */
export const formatDay = (iso: string): string => format(day, iso);

/** "Dec 1, 2026" in UTC. */
export const formatShortDay = (iso: string): string => format(shortDay, iso);

/** "Nov 24" in UTC. */
export const formatDayOfMonth = (iso: string): string => format(dayOfMonth, iso);

/** "Tue, Nov 24" in UTC. */
export const formatWeekday = (iso: string): string => format(weekday, iso);

/** "Tuesday, November 24" in UTC. */
export const formatLongWeekday = (iso: string): string => format(longWeekday, iso);

/** "14:02" in UTC. */
export const formatTime = (iso: string): string => format(time, iso);

/** "Dec 1, 2026, 14:02 UTC". */
export const formatMoment = (iso: string): string => `${formatShortDay(iso)}, ${formatTime(iso)} UTC`;

/** "Nov 1 – 30, 2026" in UTC; the end is exclusive. */
export const formatPeriod = ({ start, end }: { start: string; end: string }): string => {
  const [first, last] = [new Date(start), new Date(Date.parse(end) - 1)];
  return Number.isNaN(first.getTime() + last.getTime()) ? UNKNOWN : shortDay.formatRange(first, last);
};
