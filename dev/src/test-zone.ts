/**
 * The time zone for tests. Its date differs from the UTC date, now and for at least an hour of the same UTC day. So
 * code that uses the local date by mistake always fails.
 */
export const zoneOfAnotherDay = (now: Date): string =>
  // At UTC−12 it is yesterday until 12:00 UTC. At UTC+14 it is tomorrow from 10:00 UTC on.
  now.getUTCHours() < 11 ? 'Etc/GMT+12' : 'Pacific/Kiritimati';
