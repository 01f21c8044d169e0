import { Problem } from '../../../platform/problem.ts';

/** 409 `already_subscribed`. */
export const alreadySubscribed = (): Problem =>
  new Problem(
    'already_subscribed',
    'Your tenant has a subscription already. Change it, pay what is open, or end it in the billing portal.',
  );
