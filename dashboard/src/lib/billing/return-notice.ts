import type { Usage } from '@sentryagent/sdk';

export type ReturnNotice = 'welcome' | 'left';

/**
 * What is said to a person who comes back from Checkout: the address says from where, the tenant's tier whether that
 * is still so.
 */
export const returnNotice = (checkout: string | null, { tier }: Pick<Usage, 'tier'>): ReturnNotice | null => {
  if (checkout === 'completed' && tier === 'paid') return 'welcome';
  return checkout === 'cancelled' && tier === 'free' ? 'left' : null;
};
