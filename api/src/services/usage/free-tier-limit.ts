import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { limitProblem } from '../../platform/limit-problem.ts';
import type { Problem, ProblemExtras } from '../../platform/problem.ts';

export interface ReachedLimit {
  limit: 'agents' | 'api_calls';
  max: number;
  used: number;
  /** When the limit resets. `null`: never. */
  resetsAt: Date | null;
  now: Date;
}

/** The page that compares the tiers. */
export const upgradeUrl = (dashboardUrl: string): string => `${dashboardUrl}/pricing`;

const words = ({ limit, max }: ReachedLimit): string =>
  limit === 'agents'
    ? `The free tier has ${max} active agents. Upgrade to register more.`
    : `The free tier has ${max} API calls per UTC day. Upgrade, or try again after 00:00 UTC.`;

/** 429 `free_tier_limit`, with `Retry-After` if the limit resets. */
export const freeTierLimit = (
  dashboardUrl: string,
  reached: ReachedLimit,
  extras: ProblemExtras = {},
): Problem => {
  const { limit, max, used, resetsAt, now } = reached;
  const windowSeconds = resetsAt ? DAY_SECONDS : null;
  const members = { limit, max, used, upgradeUrl: upgradeUrl(dashboardUrl) };
  return limitProblem(
    'free_tier_limit',
    words(reached),
    { windowSeconds, resetsAt, now },
    { ...extras, members },
  );
};
