import type { TierId } from '@sentryagent/sdk';

export type ReturnNotice = 'welcome' | 'left';

/**
 * The notice after a return from Checkout. The URL says what happened there, and the tenant's tier whether it still
 * holds.
 */
export const returnNotice = (
  checkout: string | null,
  tier: TierId | null | undefined,
): ReturnNotice | null => {
  if (checkout === 'completed' && tier === 'paid') return 'welcome';
  return checkout === 'cancelled' && tier === 'free' ? 'left' : null;
};
