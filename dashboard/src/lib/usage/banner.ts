import type { Usage } from '@sentryagent/sdk';

export type Banner = 'none' | 'warning' | 'stopped';

/** The banner about the tenant's daily calls. The API decides when to warn. */
export const bannerOf = ({ tier, warning, metrics }: Pick<Usage, 'tier' | 'warning' | 'metrics'>): Banner => {
  const { today, limit } = metrics.api_calls;
  if (tier === 'free' && limit !== null && today >= limit) return 'stopped';
  return warning ? 'warning' : 'none';
};
