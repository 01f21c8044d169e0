export const HOUR_MS = 3_600_000;

/** A day in UTC. No daylight saving changes its length. */
export const DAY_MS = 86_400_000;
export const DAY_SECONDS = 86_400;
