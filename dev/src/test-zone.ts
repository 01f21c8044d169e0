/**
 * The time zone that tests run under. Its date is another than the UTC one, now and for an hour more of the same UTC
 * day: who takes the local date for it gets a wrong one at any time of the day.
 */
export const zoneOfAnotherDay = (now: Date): string =>
  // Twelve hours behind UTC it is still yesterday until noon; fourteen ahead it is tomorrow from ten o'clock on.
  now.getUTCHours() < 11 ? 'Etc/GMT+12' : 'Pacific/Kiritimati';
