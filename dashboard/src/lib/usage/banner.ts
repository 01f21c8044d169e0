import type { Usage } from '@sentryagent/sdk';

export type Banner = 'none' | 'warning' | 'stopped';

/** What the daily calls of a tenant ask to be said on top of the page. The API decides when a warning is due. */
export const bannerOf = ({ tier, warning, metrics }: Pick<Usage, 'tier' | 'warning' | 'metrics'>): Banner => {
  const { today, limit } = metrics.api_calls;
  if (tier === 'free' && limit !== null && today >= limit) return 'stopped';
  return warning ? 'warning' : 'none';
};
