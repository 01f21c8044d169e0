import type Stripe from 'stripe';

/** The API version of stripe-node 23.1. */
export const API_VERSION = '2026-10-28.endive';

/** The SDK's type of an object in a response: nothing expanded, decimals as text. */
type Wire<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends Stripe.Decimal
    ? string
    : T extends (infer Item)[]
      ? Wire<Item>[]
      : { [Key in keyof T]: WireField<T[Key]> };

type WireField<T> = string extends Extract<T, string> ? string | Extract<T, null | undefined> : Wire<T>;

/** Fields that the published schema does not have. */
type Outdated = 'plan' | 'current_trial' | 'type' | 'tax_details' | 'allowed_payment_method_types';

export type Product = Wire<Omit<Stripe.Product, Outdated>>;
export type Price = Wire<Stripe.Price>;
export type Customer = Wire<Stripe.Customer>;
export type Session = Wire<Omit<Stripe.Checkout.Session, 'allowed_payment_method_types'>>;
export type SubscriptionItem = Wire<Omit<Stripe.SubscriptionItem, Outdated>>;
export type Subscription = Wire<Omit<Stripe.Subscription, 'items'>> & { items: List<SubscriptionItem> };
export type Invoice = Wire<Stripe.Invoice>;
export type WebhookEndpoint = Wire<Stripe.WebhookEndpoint>;
type Ours = 'id' | 'object' | 'allow_redisplay' | 'billing_details' | 'card' | 'us_bank_account' | 'created';
type AlsoOurs = 'customer' | 'customer_account' | 'livemode' | 'metadata' | 'type';
export type PaymentMethod = Wire<Pick<Stripe.PaymentMethod, Ours | AlsoOurs>>;
export type Charge = Wire<Stripe.Charge>;
export type Dispute = Wire<Stripe.Dispute>;
export type TestClock = Wire<Stripe.TestHelpers.TestClock>;
export type PortalSession = Wire<Stripe.BillingPortal.Session>;
type Features = Omit<Stripe.BillingPortal.Configuration['features'], 'subscription_pause'>;
export type PortalConfiguration = Wire<Omit<Stripe.BillingPortal.Configuration, 'features'>> & {
  features: Wire<Features>;
};

export interface List<T> {
  object: 'list';
  url: string;
  has_more: boolean;
  data: T[];
}

export interface Cause {
  id: string | null;
  idempotency_key: string | null;
}

export interface StripeEvent {
  id: string;
  object: 'event';
  api_version: string;
  created: number;
  livemode: false;
  pending_webhooks: number;
  request: Cause;
  type: string;
  data: { object: object; previous_attributes?: Record<string, unknown> };
}

/** Stripe returns every field. Those without a value are null. */
export const nulls = <Name extends string>(...names: Name[]): Record<Name, null> =>
  Object.fromEntries(names.map((name) => [name, null])) as Record<Name, null>;

export const listOf = <T>(url: string, data: T[], has_more = false): List<T> => ({
  object: 'list',
  url,
  has_more,
  data,
});
