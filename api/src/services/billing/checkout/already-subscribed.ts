import { Problem } from '../../../platform/problem.ts';

/** 409 `already_subscribed`. */
export const alreadySubscribed = (): Problem =>
  new Problem(
    'already_subscribed',
    'Your tenant already has a subscription. Change it, pay an open invoice or cancel it in the billing portal.',
  );
