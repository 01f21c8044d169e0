import type { SessionStatus } from '@sentryagent/workflows/rules/checkout';
import { Stripe } from '../../../platform/stripe.ts';

/** A session that this Stripe account does not know can't be paid there: it counts as expired. */
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

/** Ends the session where it is still open; answers what it is then, which is never `open`. */
export const expireCheckoutSession = async (stripe: Stripe, sessionId: string): Promise<SessionStatus> => {
  const status = await readCheckoutSession(stripe, sessionId);
  if (status !== 'open') return status;
  try {
    return await statusOf(() => stripe.checkout.sessions.expire(sessionId));
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    // Paid, or expired by itself, between the two calls. One that is open still can be paid: it is not given up.
    const now = await readCheckoutSession(stripe, sessionId);
    if (now === 'open') throw error;
    return now;
  }
};
