import { tiers, type Limit, type Tier, type TierId } from './tiers.ts';

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

export interface UsageThreshold {
  tier: TierId;
  /** Of the daily limit. */
  percent: number;
  /** Calls of a day that reach it. */
  calls: number;
}

/** Every threshold of the catalogue at which owners are warned. */
export const usageThresholds = (catalogue: readonly Tier[] = Object.values(tiers)): UsageThreshold[] =>
  catalogue.flatMap(({ id: tier, limits: { apiCallsPerDay }, warningThresholds }) => {
    const { max } = apiCallsPerDay;
    if (max === null) return [];
    return warningThresholds.map((share) => ({
      tier,
      percent: Math.round(share * 100),
      calls: Math.ceil(max * share),
    }));
  });
