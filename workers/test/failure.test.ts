import { ApplicationFailure } from '@temporalio/activity';
import { Problem, unavailable } from '@sentryagent/api/platform/problem';
import { Stripe } from '@sentryagent/api/platform/stripe';
import { describe, expect, it } from 'vitest';
import { toFailure } from '../src/failure.ts';

const final = { isStripeFinal: true };
const patient = { isStripeFinal: false };

const stripeError = (statusCode: number, code?: string) =>
  Stripe.errors.StripeError.generate({
    type: 'invalid_request_error',
    message: 'canary: what was sent',
    statusCode,
    ...(code && { code }),
  } as never);

describe('toFailure', () => {
  it('says nothing of what an error held', () => {
    const errors = [
      stripeError(400, 'parameter_missing'),
      new Problem('forbidden', 'canary'),
      new Error('canary'),
      Object.assign(new Error('insert into x values (canary)'), { code: '23505', detail: 'canary' }),
      'canary',
      undefined,
    ];
    for (const error of errors) {
      const { message, type, details, cause, stack } = toFailure(error, final);
      expect(JSON.stringify({ message, type, details, cause: cause?.message, stack })).not.toContain(
        'canary',
      );
      expect(message).toMatch(/\S/);
    }
  });

  it.each([
    [400, true],
    [401, true],
    [402, true],
    [404, true],
    [409, false],
    [429, false],
    [500, false],
    [503, false],
  ])('a Stripe answer of %i is final for who waits: %s', (status, nonRetryable) => {
    expect(toFailure(stripeError(status), final).nonRetryable).toBe(nonRetryable);
    expect(toFailure(stripeError(status), patient).nonRetryable).toBe(false);
  });

  it('tries again where no answer came', () => {
    const lost = new Stripe.errors.StripeConnectionError({ message: 'canary' } as never);
    expect(toFailure(lost, final).nonRetryable).toBe(false);
  });

  it('a problem is final where it is the caller’s, and keeps its code', () => {
    expect(toFailure(new Problem('already_subscribed', 'x'), patient)).toMatchObject({
      type: 'already_subscribed',
      nonRetryable: true,
    });
    expect(toFailure(unavailable(new Error('x')), patient).nonRetryable).toBe(false);
  });

  it('leaves a failure as it is', () => {
    const failure = ApplicationFailure.retryable('as it is');
    expect(toFailure(failure, final)).toBe(failure);
  });
});
