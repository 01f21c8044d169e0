import type { Stripe } from '../../../platform/stripe.ts';

type EventType = Stripe.WebhookEndpointCreateParams.EnabledEvent;

/** It has no customer: its object is the clock of some. */
export const CLOCK_READY = 'test_helpers.test_clock.ready' satisfies EventType;

/** Their objects are disputes, which have a charge and no customer. */
export const DISPUTES: readonly string[] = [
  'charge.dispute.created',
  'charge.dispute.closed',
] satisfies EventType[];

/** The events that become an entry of the audit log. All others only trigger a read from Stripe. */
export const AUDITED = [
  'charge.refunded',
  'charge.dispute.created',
  'charge.dispute.closed',
] satisfies EventType[];

/** The events that we ask Stripe for. Stripe lists events by up to 20 types. */
export const STRIPE_EVENTS: EventType[] = [
  'checkout.session.completed',
  'checkout.session.expired',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'customer.subscription.trial_will_end',
  'customer.updated',
  'invoice.paid',
  'invoice.payment_failed',
  'invoice.payment_action_required',
  'payment_method.automatically_updated',
  CLOCK_READY,
  ...AUDITED,
];
