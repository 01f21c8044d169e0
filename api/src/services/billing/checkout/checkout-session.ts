import type { SessionStatus } from '@sentryagent/workflows/rules/checkout';
import { Stripe } from '../../../platform/stripe.ts';

/** A session that this Stripe account does not have cannot be paid, so it counts as expired. */
const statusOf = async (ask: () => Promise<Stripe.Checkout.Session>): Promise<SessionStatus> => {
  try {
    return (await ask()).status as SessionStatus;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError && error.code === 'resource_missing') return 'expired';
    throw error;
  }
};

export const readCheckoutSession = (stripe: Stripe, sessionId: string): Promise<SessionStatus> =>
  statusOf(() => stripe.checkout.sessions.retrieve(sessionId));

/** Expires the session if it is open. Returns its status, which is never `open`. */
export const expireCheckoutSession = async (stripe: Stripe, sessionId: string): Promise<SessionStatus> => {
  const status = await readCheckoutSession(stripe, sessionId);
  if (status !== 'open') return status;
  try {
    return await statusOf(() => stripe.checkout.sessions.expire(sessionId));
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    // It was paid or has expired between the two calls. If it is still open, it can be paid, so the error is thrown.
    const now = await readCheckoutSession(stripe, sessionId);
    if (now === 'open') throw error;
    return now;
  }
};
