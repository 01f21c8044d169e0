import { Problem } from '../../../platform/problem.ts';

/** 409 `already_subscribed`. */
export const alreadySubscribed = (): Problem =>
  new Problem(
    'already_subscribed',
    'Your tenant already has a subscription. To change the card or to pay an open invoice, open the billing portal (POST /billing/portal).',
  );

/** 409 `payment_processing`. */
export const paymentProcessing = (): Problem =>
  new Problem(
    'payment_processing',
    'You have already confirmed a payment, and the bank has not settled it yet. This can take days. Wait until it is settled before you pay again.',
  );
