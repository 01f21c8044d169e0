import { checkCustomer } from '../customers.ts';
import { invalid, missing } from '../errors.ts';
import { emptyable, fields, flag, mergeMetadata, metadata, oneOf, text } from '../parameters.ts';
import { change } from '../stand.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import { nulls } from '../wire.ts';
import type { Subscription } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const ENDED = ['canceled', 'incomplete_expired'];
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
const hasStatus = (wanted: string | undefined, { status: own }: Subscription): boolean => {
  if (wanted === undefined) return own !== 'canceled';
  if (wanted === 'ended') return ENDED.includes(own);
  return wanted === 'all' || wanted === own;
};

const subscriptionOf = ({ state }: Stand, id: string): Subscription =>
  find(state.subscriptions, id, 'subscription');

const details = fields({ comment: emptyable(text), feedback: emptyable(text) });

/** The changes when `cancel_at_period_end` is set or unset. */
const atPeriodEnd = (subscription: Subscription, on: boolean, now: number): Partial<Subscription> => {
  if (subscription.cancel_at_period_end === on) return {};
  const reason = on ? ('cancellation_requested' as const) : null;
  return {
    cancel_at_period_end: on,
    cancel_at: on ? subscription.items.data[0]!.current_period_end : null,
    canceled_at: on ? now : null,
    cancellation_details: { ...nulls('comment', 'feedback', 'feedback_option'), reason },
  };
};

const path = '/v1/subscriptions/{subscription_exposed_id}';

export const subscriptions = [
  route(`GET ${path}`, {}, (stand, { id }) => subscriptionOf(stand, id)),

  route('GET /v1/subscriptions', { ...paging, customer: text, price: text, status }, (stand, { params }) => {
    const { customer, price, status: wanted } = params;
    checkCustomer(stand, customer);
    return page(
      '/v1/subscriptions',
      stand.state.subscriptions,
      params,
      (one) =>
        hasStatus(wanted, one) &&
        (customer === undefined || one.customer === customer) &&
        (price === undefined || one.items.data.some((item) => item.price.id === price)),
    );
  }),

  route(`POST ${path}`, { cancel_at_period_end: flag, metadata }, (stand, { id, params, cause }) => {
    const subscription = subscriptionOf(stand, id);
    const { cancel_at_period_end: on, metadata: given } = params;
    if (on !== undefined && ENDED.includes(subscription.status)) {
      throw invalid('A canceled subscription can only update its cancellation_details and metadata.');
    }
    return change(stand, cause, 'customer.subscription.updated', subscription, {
      ...(on !== undefined && atPeriodEnd(subscription, on, stand.now())),
      metadata: mergeMetadata(subscription.metadata, given),
    });
  }),

  route(
    `DELETE ${path}`,
    { cancellation_details: details, invoice_now: flag, prorate: flag },
    (stand, { id, params, cause }) => {
      const subscription = subscriptionOf(stand, id);
      if (ENDED.includes(subscription.status)) throw missing('subscription', id);
      const { comment = null, feedback = null } = params.cancellation_details ?? {};
      Object.assign(subscription, {
        status: 'canceled',
        cancel_at_period_end: false,
        cancel_at: null,
        canceled_at: subscription.canceled_at ?? stand.now(),
        ended_at: stand.now(),
        cancellation_details: { comment, feedback, feedback_option: null, reason: 'cancellation_requested' },
      } satisfies Partial<Subscription>);
      stand.emit(cause, 'customer.subscription.deleted', subscription);
      return subscription;
    },
  ),
];
