import { sessionStatus, type SessionStatus, type StripeSession } from '@sentryagent/workflows/rules/checkout';
import type { StripeStatus } from '@sentryagent/workflows/rules/subscription';
import { Stripe } from '../../../platform/stripe.ts';
import { isMissing } from '../stripe-errors.ts';
import { idOf } from '../stripe-values.ts';

/** Reads the subscription only if it decides: the session is complete and its payment is not. */
const statusOf = async (stripe: Stripe, session: Stripe.Checkout.Session): Promise<SessionStatus> => {
  const status = session.status as StripeSession['status'];
  const isPaid = session.payment_status !== 'unpaid';
  const id = idOf(session.subscription);
  const isDecided = status !== 'complete' || isPaid || id === null;
  const subscription = isDecided ? null : ((await stripe.subscriptions.retrieve(id)).status as StripeStatus);
  return sessionStatus({ status, isPaid, subscription });
};

/** A session that this Stripe account does not have cannot be paid, so it counts as expired. */
const ask = async (stripe: Stripe, call: () => Promise<Stripe.Checkout.Session>): Promise<SessionStatus> => {
  try {
    return await statusOf(stripe, await call());
  } catch (error) {
    if (isMissing(error)) return 'expired';
    throw error;
  }
};

export const readCheckoutSession = (stripe: Stripe, sessionId: string): Promise<SessionStatus> =>
  ask(stripe, () => stripe.checkout.sessions.retrieve(sessionId));

/** Expires the session if it is open. Returns its status, which is never `open`. */
export const expireCheckoutSession = async (stripe: Stripe, sessionId: string): Promise<SessionStatus> => {
  const status = await readCheckoutSession(stripe, sessionId);
  if (status !== 'open') return status;
  try {
    return await ask(stripe, () => stripe.checkout.sessions.expire(sessionId));
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    // It was paid or has expired between the two calls. If it is still open, it can be paid, so the error is thrown.
    const now = await readCheckoutSession(stripe, sessionId);
    if (now === 'open') throw error;
    return now;
  }
};
