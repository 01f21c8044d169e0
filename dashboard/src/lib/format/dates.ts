const day = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });
const shortDay = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'UTC' });

/** "December 1, 2026" in UTC. */
export const formatDay = (iso: string): string => day.format(new Date(iso));

/** "Dec 1, 2026" in UTC. */
export const formatShortDay = (iso: string): string => shortDay.format(new Date(iso));

/** "14:02" in UTC. */
export const formatTime = (iso: string): string => time.format(new Date(iso));

/** "Dec 1, 2026, 14:02 UTC". */
export const formatMoment = (iso: string): string => `${formatShortDay(iso)}, ${formatTime(iso)} UTC`;

/** "Nov 1 – 30, 2026" in UTC; the end is exclusive. */
export const formatPeriod = ({ start, end }: { start: string; end: string }): string =>
  shortDay.formatRange(new Date(start), new Date(Date.parse(end) - 1));
