import { secondsUntil } from '@sentryagent/workflows/rules/period';
import { Problem } from '../../platform/problem.ts';

export interface ReachedLimit {
  limit: 'agents' | 'api_calls';
  max: number;
  used: number;
  /** When the limit resets. `null`: never. */
  resetsAt: Date | null;
}

/** The page that compares the tiers. */
export const upgradeUrl = (dashboardUrl: string): string => `${dashboardUrl}/pricing`;

const words = ({ limit, max }: ReachedLimit): string =>
  limit === 'agents'
    ? `The free tier has ${max} active agents. Upgrade to register more.`
    : `The free tier has ${max} API calls per UTC day. Upgrade, or try again after 00:00 UTC.`;

/** 429 `free_tier_limit`, with `Retry-After` if the limit resets. */
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
