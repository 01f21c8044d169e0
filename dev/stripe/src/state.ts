import { missing } from './errors.ts';
import type {
  Customer,
  Invoice,
  PortalConfiguration,
  Price,
  Product,
  Session,
  StripeEvent,
  Subscription,
  WebhookEndpoint,
} from './wire.ts';

export type Collection<T> = Record<string, T>;

/** The delivery of one event to one endpoint. */
export interface Delivery {
  id: string;
  event: string;
  type: string;
  endpoint: string;
  url: string;
  attempts: number;
  /** Milliseconds since 1970. `null`: nothing more to send. */
  nextAt: number | null;
  /** The result of the last attempt: an HTTP status or an error. */
  lastStatus: number | string | null;
}

/** The stored response of an idempotency key. */
export interface StoredAnswer {
  fingerprint: string;
  created: number;
  status: number;
  body: object;
}

/** Everything that survives a restart. Each collection is sorted, oldest first. */
export interface State {
  products: Collection<Product>;
  prices: Collection<Price>;
  customers: Collection<Customer>;
  sessions: Collection<Session>;
  /** What a session will create. Its object does not have this. */
  plans: Collection<{ trialDays: number; metadata: Record<string, string> }>;
  subscriptions: Collection<Subscription>;
  invoices: Collection<Invoice>;
  endpoints: Collection<WebhookEndpoint>;
  secrets: Collection<string>;
  configurations: Collection<PortalConfiguration>;
  events: Collection<StripeEvent>;
  deliveries: Collection<Delivery>;
  answers: Collection<StoredAnswer>;
}

export const emptyState = (): State => ({
  products: {},
  prices: {},
  customers: {},
  sessions: {},
  plans: {},
  subscriptions: {},
  invoices: {},
  endpoints: {},
  secrets: {},
  configurations: {},
  events: {},
  deliveries: {},
  answers: {},
});

/** The object of this id, or Stripe's `resource_missing`. */
export const find = <T>(collection: Collection<T>, id: string, noun: string, param?: string): T => {
  const found = Object.hasOwn(collection, id) ? collection[id] : undefined;
  if (found === undefined) throw missing(noun, id, param);
  return found;
};
