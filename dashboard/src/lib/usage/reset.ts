import { MINUTE_MS, formatTime } from '#lib/format/dates.ts';

const span = (ms: number): string => {
  const minutes = Math.ceil(ms / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours > 0 && `${hours} h`, rest > 0 && `${rest} m`].filter(Boolean).join(' ');
};

/** "in 5 h 12 m (00:00 UTC)": the time from `now` until a limit resets. */
export const resetWords = (resetsAt: string, now: Date): string => {
  const clock = `${formatTime(resetsAt)} UTC`;
  const ms = Date.parse(resetsAt) - now.getTime();
  return ms > 0 ? `in ${span(ms)} (${clock})` : `at ${clock}`;
};
