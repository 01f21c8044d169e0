import { Problem } from '../../platform/problem.ts';

/** 409 `not_subscribed`. */
export const notSubscribed = (cause?: unknown): Problem =>
  new Problem(
    'not_subscribed',
    'Your tenant has no subscription, or it has ended. To subscribe, start a checkout (POST /billing/checkout).',
    { cause },
  );
