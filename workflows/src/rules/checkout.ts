import { HOUR_MS } from './durations.ts';
import type { StripeStatus } from './subscription.ts';

/**
 * The status of a Checkout session with its payment. `processing`: the customer has confirmed a payment that settles
 * later. `failed`: that payment did not succeed.
 */
export type SessionStatus = 'open' | 'processing' | 'complete' | 'failed' | 'expired';

/** The final status of a checkout. */
export type CheckoutEnd = 'completed' | 'failed' | 'expired';

/** The fields of a Stripe session that decide. */
export interface StripeSession {
  status: 'open' | 'complete' | 'expired';
  isPaid: boolean;
  /** The status of the subscription that it created. */
  subscription: StripeStatus | null;
}

/** Stripe completes a session when the customer confirms, which can be days before the payment settles. */
export const sessionStatus = ({ status, isPaid, subscription }: StripeSession): SessionStatus => {
  if (status !== 'complete' || isPaid) return status;
  if (subscription === 'incomplete_expired' || subscription === 'canceled') return 'failed';
  return subscription === null || subscription === 'incomplete' ? 'processing' : 'complete';
};

/** Stripe allows at most 24 hours. One hour is left for clock skew. */
const SESSION_MS = 23 * HOUR_MS;

/** The expiry of the Stripe session of a checkout that starts now. */
export const sessionExpiry = (now: Date): Date => new Date(now.getTime() + SESSION_MS);

const FIRST_LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 600_000;
/** A bank settles a payment in days. */
const LONGEST_PROCESSING_LOOK_MS = HOUR_MS;

/**
 * How long to wait for a signal before the next read from Stripe: 5, 10, 20 … s, at most 10 minutes, and not beyond the
 * expiry of the session. While a payment settles, at most an hour. `looks` is the number of reads so far.
 */
export const nextLookMs = (looks: number, untilExpiryMs: number, isProcessing = false): number => {
  const longest = isProcessing ? LONGEST_PROCESSING_LOOK_MS : LONGEST_LOOK_MS;
  const backoff = Math.min(FIRST_LOOK_MS * 2 ** Math.min(looks, 20), longest);
  return untilExpiryMs > 0 && !isProcessing ? Math.min(backoff, untilExpiryMs) : backoff;
};

/** The final status of the checkout for a session status. `undefined` while it can still be paid or is being paid. */
export const checkoutEnd = (status: SessionStatus): CheckoutEnd | undefined =>
  ({ open: undefined, processing: undefined, complete: 'completed', failed: 'failed', expired: 'expired' })[
    status
  ] as CheckoutEnd | undefined;
