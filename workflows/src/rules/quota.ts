import type { Limit, Tier } from './tiers.ts';

/** The maximum of a hard limit. `null`: nothing is rejected. */
export const hardMaximum = (limit: Limit): number | null => (limit.enforcement === 'hard' ? limit.max : null);

/** Whether one more is allowed. `used` is the current number. */
export const hasRoom = (limit: Limit, used: number): boolean => {
  const max = hardMaximum(limit);
  return max === null || used < max;
};

/** Whether today's calls have reached the tier's first warning threshold. */
export const shouldWarn = (tier: Tier, apiCallsToday: number): boolean => {
  const { max } = tier.limits.apiCallsPerDay;
  const [first] = tier.warningThresholds;
  return max !== null && first !== undefined && apiCallsToday >= max * first;
};
