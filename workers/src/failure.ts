import { ApplicationFailure } from '@temporalio/activity';
import { Problem } from '@sentryagent/api/platform/problem';
import { Stripe } from '@sentryagent/api/platform/stripe';

/** Stripe's error type and code. Never its message, which can contain what was sent. */
const stripeWord = ({ type, code }: InstanceType<typeof Stripe.errors.StripeError>): string =>
  ['Stripe', type, code].filter(Boolean).join(' ');

/** Stripe rejected the request itself, so a retry would fail too. */
const isJudged = ({ statusCode }: InstanceType<typeof Stripe.errors.StripeError>): boolean =>
  statusCode !== undefined &&
  statusCode >= 400 &&
  statusCode < 500 &&
  statusCode !== 409 &&
  statusCode !== 429;

/**
 * What the workflow history stores of a failed activity: a code, and no data of ours or of a customer. The log of the
 * worker has the details. A Problem with a status under 500 is not retried.
 */
export const toFailure = (
  error: unknown,
  { isStripeFinal }: { isStripeFinal: boolean },
): ApplicationFailure => {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof Problem) {
    return ApplicationFailure.create({
      message: error.code,
      type: error.code,
      nonRetryable: error.status < 500,
    });
  }
  if (error instanceof Stripe.errors.StripeError) {
    const nonRetryable = isStripeFinal && isJudged(error);
    return ApplicationFailure.create({ message: stripeWord(error), type: 'stripe_error', nonRetryable });
  }
  const { name, code } = (error ?? {}) as { name?: string; code?: string };
  const message = [name, code].filter((word) => typeof word === 'string').join(' ') || 'unknown error';
  return ApplicationFailure.retryable(message, 'internal_error');
};
