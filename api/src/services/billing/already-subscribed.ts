import { Problem } from '../../platform/problem.ts';

/** 409 `already_subscribed`. */
export const alreadySubscribed = (): Problem =>
  new Problem(
    'already_subscribed',
    'Your tenant pays already. Change or end the subscription in the billing portal.',
  );
