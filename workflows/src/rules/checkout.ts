import { HOUR_MS } from './durations.ts';

/** Stripe's status of a Checkout session. */
export type SessionStatus = 'open' | 'complete' | 'expired';

/** The final status of a checkout. */
export type CheckoutEnd = 'completed' | 'expired';

/** Stripe allows at most 24 hours. One hour is left for clock skew. */
const SESSION_MS = 23 * HOUR_MS;

/** The expiry of the Stripe session of a checkout that starts now. */
export const sessionExpiry = (now: Date): Date => new Date(now.getTime() + SESSION_MS);

const FIRST_LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 600_000;

/**
 * How long to wait for a signal before the next read from Stripe: 5, 10, 20 … s, at most 10 minutes, and not beyond the
 * expiry of the session. `looks` is the number of reads so far.
 */
export const nextLookMs = (looks: number, untilExpiryMs: number): number => {
  const backoff = Math.min(FIRST_LOOK_MS * 2 ** Math.min(looks, 20), LONGEST_LOOK_MS);
  return untilExpiryMs > 0 ? Math.min(backoff, untilExpiryMs) : backoff;
};

/** The final status of the checkout for a session status. `undefined` while it is open. */
export const checkoutEnd = (status: SessionStatus): CheckoutEnd | undefined =>
  ({ open: undefined, complete: 'completed', expired: 'expired' })[status] as CheckoutEnd | undefined;
