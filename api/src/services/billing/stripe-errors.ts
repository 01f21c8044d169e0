import { unavailable } from '../../platform/problem.ts';
import { Stripe } from '../../platform/stripe.ts';

/** The Stripe account does not have this object. `param`: only if this parameter named it. */
export const isMissing = (error: unknown, param?: string): boolean =>
  error instanceof Stripe.errors.StripeError &&
  error.code === 'resource_missing' &&
  (param === undefined || error.param === param);

/** Stripe does not accept the email address. */
export const isRefusedEmail = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeError && error.code === 'email_invalid';

/** Asks Stripe while a user waits. Problem: `service_unavailable`. The log has what Stripe said. */
export const whileUserWaits = async <T>(ask: () => Promise<T>): Promise<T> => {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof Stripe.errors.StripeError ? unavailable(error) : error;
  }
};
