const short = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' });
const weekday = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  month: 'short',
  day: 'numeric',
  timeZone: 'UTC',
});
const long = new Intl.DateTimeFormat('en-US', {
  weekday: 'long',
  month: 'long',
  day: 'numeric',
  timeZone: 'UTC',
});

/** "Nov 24" */
export const labelOf = (day: string): string => short.format(new Date(day));

/** "Tue, Nov 24" */
export const weekdayOf = (day: string): string => weekday.format(new Date(day));

/** "Tuesday, November 24" */
export const spokenDay = (day: string): string => long.format(new Date(day));
