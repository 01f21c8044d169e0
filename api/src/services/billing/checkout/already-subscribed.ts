import { Problem } from '../../../platform/problem.ts';

/** 409 `already_subscribed`. */
export const alreadySubscribed = (): Problem =>
  new Problem(
    'already_subscribed',
    'Your tenant already has a subscription. The billing portal is not available yet. To change or cancel the subscription, contact the administrator of this server.',
  );
