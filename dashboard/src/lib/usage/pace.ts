import type { MetricUsage } from '@sentryagent/sdk';
import { DAY_MS, MINUTE_MS, formatTime } from '#lib/format/dates.ts';
import { formatNumber } from '#lib/format/numbers.ts';

/** With less than this, the pace is chance. */
const LEAST_MS = 10 * MINUTE_MS;
const LEAST_CALLS = 10;
/** An estimate is rounded up to this. */
const STEP_MS = 5 * MINUTE_MS;

/**
 * When the daily limit will be reached if calls continue at the average pace of the day so far. `null`: it is reached
 * already, or not before it resets, or the day is too young to say.
 */
export const limitReachedAt = ({ today, limit, resetsAt }: MetricUsage, asOf: Date): Date | null => {
  if (limit === null || resetsAt === null || today >= limit || today < LEAST_CALLS) return null;
  const end = Date.parse(resetsAt);
  const start = end - DAY_MS;
  const elapsed = asOf.getTime() - start;
  if (elapsed < LEAST_MS) return null;
  const reached = Math.ceil((start + (elapsed * limit) / today) / STEP_MS) * STEP_MS;
  return reached < end ? new Date(reached) : null;
};

/** "At this pace you reach 1,000 at about 15:40 UTC." */
export const paceWords = (usage: MetricUsage, asOf: Date): string | null => {
  const reached = limitReachedAt(usage, asOf);
  if (reached === null || usage.limit === null) return null;
  return `At this pace you reach ${formatNumber(usage.limit)} at about ${formatTime(reached.toISOString())} UTC.`;
};
