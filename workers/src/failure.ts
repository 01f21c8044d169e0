import { ApplicationFailure } from '@temporalio/activity';
import { Problem } from '@sentryagent/api/platform/problem';
import { Stripe } from '@sentryagent/api/platform/stripe';

/** Stripe's own word for what went wrong: never its message, which may repeat what was sent. */
const stripeWord = ({ type, code }: InstanceType<typeof Stripe.errors.StripeError>): string =>
  ['Stripe', type, code].filter(Boolean).join(' ');

/** A request that Stripe judged and refused: the same again is refused again. */
const isJudged = ({ statusCode }: InstanceType<typeof Stripe.errors.StripeError>): boolean =>
  statusCode !== undefined &&
  statusCode >= 400 &&
  statusCode < 500 &&
  statusCode !== 409 &&
  statusCode !== 429;

/**
 * What the history keeps of a failed activity: a word to look up, and no value of ours or a customer's. The log of the
 * worker has the rest. A Problem under 500 is final.
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
