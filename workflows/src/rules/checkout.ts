import { HOUR_MS } from './durations.ts';

/** Stripe's own words for a Checkout session. */
export type SessionStatus = 'open' | 'complete' | 'expired';

/** How a checkout ends: paid for, or not. */
export type CheckoutEnd = 'completed' | 'expired';

/** Stripe takes at most 24 hours; an hour is left for clocks that differ. */
const SESSION_MS = 23 * HOUR_MS;

/** When the Stripe session of a checkout that starts now is to expire. */
export const sessionExpiry = (now: Date): Date => new Date(now.getTime() + SESSION_MS);

const FIRST_LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 600_000;

/**
 * How long to wait for a nudge before Stripe is asked all the same: 5, 10, 20 … s, at most 10 minutes, and no longer
 * than the session lasts. `looks` is how often it was asked so far.
 */
export const nextLookMs = (looks: number, untilExpiryMs: number): number => {
  const backoff = Math.min(FIRST_LOOK_MS * 2 ** Math.min(looks, 20), LONGEST_LOOK_MS);
  return untilExpiryMs > 0 ? Math.min(backoff, untilExpiryMs) : backoff;
};

/** What Stripe's answer means for the checkout; nothing while it is open. */
export const checkoutEnd = (status: SessionStatus): CheckoutEnd | undefined =>
  ({ open: undefined, complete: 'completed', expired: 'expired' })[status] as CheckoutEnd | undefined;
