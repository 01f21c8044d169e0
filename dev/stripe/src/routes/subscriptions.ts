import { checkCustomer } from '../customers.ts';
import { invalid, missing } from '../errors.ts';
import { emptyable, fields, flag, integer, mergeMetadata, metadata, oneOf, text } from '../parameters.ts';
import type { Output } from '../parameters.ts';
import { change } from '../stand.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import { atPeriodEnd, end, hasEnded, nowOf } from '../subscriptions.ts';
import type { Subscription } from '../wire.ts';
import { isListed, page, paging } from './lists.ts';
import { route } from './route.ts';
import { itemUpdates, withUpdates } from './subscription-items.ts';

const status = oneOf(
  'active',
  'all',
  'canceled',
  'ended',
  'incomplete',
  'incomplete_expired',
  'past_due',
  'paused',
  'trialing',
  'unpaid',
);

/** Without a status, all but the canceled ones. */
const hasStatus = (wanted: string | undefined, subscription: Subscription): boolean => {
  if (wanted === undefined) return subscription.status !== 'canceled';
  if (wanted === 'ended') return hasEnded(subscription);
  return wanted === 'all' || wanted === subscription.status;
};

const subscriptionOf = ({ state }: Stand, id: string): Subscription =>
  find(state.subscriptions, id, 'subscription');

const feedback = oneOf(
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
);
const details = fields({ comment: emptyable(text), feedback: emptyable(feedback) });

const updates = {
  cancel_at: emptyable(integer),
  cancel_at_period_end: flag,
  cancellation_details: details,
  default_payment_method: text,
  items: itemUpdates,
  metadata,
  proration_behavior: oneOf('always_invoice', 'create_prorations', 'none'),
};

const updateOf = (
  stand: Stand,
  subscription: Subscription,
  params: Output<typeof updates>,
): Partial<Subscription> => {
  const { cancel_at: cancelAt, cancel_at_period_end: on, default_payment_method: method, items } = params;
  const isMore = [cancelAt, on, method, items].some((given) => given !== undefined);
  if (isMore && hasEnded(subscription)) {
    throw invalid('A canceled subscription can only update its cancellation_details and metadata.');
  }
  if (method !== undefined) find(stand.state.methods, method, 'PaymentMethod', 'default_payment_method');
  const ending = on === undefined ? {} : atPeriodEnd(subscription, on, nowOf(stand, subscription));
  const reasons = ending.cancellation_details ?? subscription.cancellation_details!;
  return {
    ...ending,
    cancellation_details: { ...reasons, ...params.cancellation_details },
    ...(cancelAt !== undefined && { cancel_at: cancelAt, cancel_at_period_end: false }),
    ...(method !== undefined && { default_payment_method: method }),
    ...(items && { items: withUpdates(stand, subscription, items) }),
    metadata: mergeMetadata(subscription.metadata, params.metadata),
  };
};

const path = '/v1/subscriptions/{subscription_exposed_id}';

export const subscriptions = [
  route(`GET ${path}`, {}, (stand, { id }) => subscriptionOf(stand, id)),

  route(
    'GET /v1/subscriptions',
    { ...paging, customer: text, price: text, status, test_clock: text },
    (stand, { params }) => {
      const { customer, price, status: wanted } = params;
      checkCustomer(stand, customer);
      return page(
        '/v1/subscriptions',
        stand.state.subscriptions,
        params,
        (one) =>
          isListed(stand, one, params) &&
          hasStatus(wanted, one) &&
          (customer === undefined || one.customer === customer) &&
          (price === undefined || one.items.data.some((item) => item.price.id === price)),
      );
    },
  ),

  route(`POST ${path}`, updates, (stand, { id, params, cause }) => {
    const subscription = subscriptionOf(stand, id);
    return change(
      stand,
      cause,
      'customer.subscription.updated',
      subscription,
      updateOf(stand, subscription, params),
    );
  }),

  route(
    `DELETE ${path}`,
    { cancellation_details: details, invoice_now: flag, prorate: flag },
    (stand, { id, params, cause }) => {
      const subscription = subscriptionOf(stand, id);
      if (hasEnded(subscription)) throw missing('subscription', id);
      const at = nowOf(stand, subscription);
      return end(stand, cause, subscription, {
        ...params.cancellation_details,
        at,
        reason: 'cancellation_requested',
      });
    },
  ),
];
