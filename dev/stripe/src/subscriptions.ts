import { invalid } from './errors.ts';
import { change, NO_REQUEST } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import { nulls } from './wire.ts';
import type { Cause, Customer, Price, Subscription } from './wire.ts';
import { timeOf } from './clocks.ts';

export const customerOf = ({ state }: Stand, { customer }: Pick<Subscription, 'customer'>): Customer =>
  find(state.customers, customer, 'customer');

/** The time of the subscription's customer. */
export const nowOf = (stand: Stand, subscription: Subscription): number =>
  timeOf(stand, customerOf(stand, subscription));

export const hasEnded = ({ status }: Subscription): boolean =>
  status === 'canceled' || status === 'incomplete_expired';

type Details = NonNullable<Subscription['cancellation_details']>;

/** Of an ended subscription, Stripe collects no open invoice by itself any more. */
const stopCollecting = ({ state }: Stand, id: string): void => {
  for (const invoice of Object.values(state.invoices)) {
    if (invoice.parent?.subscription_details?.subscription !== id || !invoice.auto_advance) continue;
    Object.assign(invoice, { auto_advance: false, next_payment_attempt: null });
  }
};

/** Ends the subscription at once. */
export const end = (
  stand: Stand,
  cause: Cause,
  subscription: Subscription,
  how: { at: number; reason: Details['reason']; comment?: string | null; feedback?: Details['feedback'] },
): Subscription => {
  const { at, reason, comment = null, feedback = null } = how;
  Object.assign(subscription, {
    status: 'canceled',
    cancel_at_period_end: false,
    cancel_at: null,
    canceled_at: subscription.canceled_at ?? at,
    ended_at: at,
    cancellation_details: { comment, feedback, feedback_option: null, reason },
  } satisfies Partial<Subscription>);
  stopCollecting(stand, subscription.id);
  stand.emit(cause, 'customer.subscription.deleted', subscription);
  return subscription;
};

/** The changes when the cancellation at the end of the period is set or taken back. */
export const atPeriodEnd = (subscription: Subscription, on: boolean, now: number): Partial<Subscription> => {
  if (subscription.cancel_at_period_end === on) return {};
  const reason = on ? ('cancellation_requested' as const) : null;
  return {
    cancel_at_period_end: on,
    cancel_at: on ? subscription.items.data[0]!.current_period_end : null,
    canceled_at: on ? now : null,
    cancellation_details: { ...nulls('comment', 'feedback', 'feedback_option'), reason },
  };
};

type Items = Subscription['items'];

/** The items with another price or quantity, from now on. Nothing is prorated. */
export const withPrice = (
  items: Items,
  to: { price?: Price | undefined; quantity?: number | undefined },
): Items => {
  const [item] = items.data;
  const price = structuredClone(to.price ?? item!.price);
  return { ...items, data: [{ ...item!, price, quantity: to.quantity ?? item!.quantity ?? 1 }] };
};

/** Stripe pauses a subscription when a trial ends without a payment method. */
export const pause = (stand: Stand, subscription: Subscription): Subscription => {
  if (!['active', 'trialing', 'past_due'].includes(subscription.status)) {
    throw invalid(`Subscription ${subscription.id} is ${subscription.status}: it cannot be paused.`);
  }
  return change(stand, NO_REQUEST, 'customer.subscription.paused', subscription, { status: 'paused' });
};

/** A period that has ended in the meantime starts anew. */
export const unpause = (stand: Stand, subscription: Subscription): Subscription => {
  if (subscription.status !== 'paused') throw invalid(`Subscription ${subscription.id} is not paused.`);
  const at = nowOf(stand, subscription);
  const [item] = subscription.items.data;
  if (item!.current_period_end < at) {
    subscription.billing_cycle_anchor = at;
    item!.current_period_end = at;
  }
  return change(stand, NO_REQUEST, 'customer.subscription.resumed', subscription, { status: 'active' });
};
