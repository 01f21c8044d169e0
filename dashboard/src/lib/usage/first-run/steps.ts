import type { Usage } from '@sentryagent/sdk';
import type { DayCounts } from '../history.ts';

export const steps = ['agent', 'token', 'call'] as const;

/** How many of the first steps are done. They build on each other: a call needs a token, and a token an agent. */
export const stepsDone = ({ metrics }: Pick<Usage, 'metrics'>, days: readonly DayCounts[]): number => {
  const ever = (metric: 'api_calls' | 'token_issuances') =>
    metrics[metric].period > 0 || metrics[metric].today > 0 || days.some((counts) => counts[metric] > 0);
  if (ever('api_calls')) return 3;
  if (ever('token_issuances')) return 2;
  return metrics.active_agents.today > 0 ? 1 : 0;
};
