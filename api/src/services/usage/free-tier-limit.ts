import { secondsUntil } from '@sentryagent/workflows/rules/period';
import { Problem } from '../../platform/problem.ts';

export interface ReachedLimit {
  limit: 'agents' | 'api_calls';
  max: number;
  used: number;
  /** When the limit opens anew; `null` where time does not help. */
  resetsAt: Date | null;
}

/** Where a tenant reads what the next tier offers. */
export const upgradeUrl = (dashboardUrl: string): string => `${dashboardUrl}/pricing`;

const words = ({ limit, max }: ReachedLimit): string =>
  limit === 'agents'
    ? `The free tier has ${max} active agents. Upgrade to register more.`
    : `The free tier has ${max} API calls per UTC day. Upgrade, or try again after 00:00 UTC.`;

/** 429 `free_tier_limit`. With `Retry-After` where waiting helps. */
export const freeTierLimit = (dashboardUrl: string, reached: ReachedLimit, now = new Date()): Problem => {
  const { limit, max, used, resetsAt } = reached;
  return new Problem('free_tier_limit', words(reached), {
    members: {
      error: 'free_tier_limit',
      limit,
      max,
      used,
      resetsAt: resetsAt?.toISOString() ?? null,
      upgradeUrl: upgradeUrl(dashboardUrl),
    },
    headers: resetsAt ? { 'Retry-After': String(secondsUntil(resetsAt, now)) } : {},
  });
};
