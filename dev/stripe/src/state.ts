import type { Behaviour, Payer } from './payer.ts';
import { missing } from './errors.ts';
import type {
  Charge,
  Customer,
  Dispute,
  Invoice,
  PaymentMethod,
  PortalConfiguration,
  PortalSession,
  Price,
  Product,
  Session,
  StripeEvent,
  Subscription,
  TestClock,
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

/** What a session will create, and what it may change of its customer. */
export interface Plan {
  trialDays: number;
  metadata: Record<string, string>;
  updates?: { address?: 'auto' | 'never'; name?: 'auto' | 'never' } | undefined;
}

/** A payment that waits for the page of 3-D Secure: of a checkout, or of an open invoice. */
export interface Confirmation {
  id: string;
  subject: string;
  payer?: Payer;
}

/** A bank debit on its way. */
export interface Debit {
  invoice: string;
  method: string;
  settlesAt: number;
  succeeds: boolean;
}

/** Everything that survives a restart. Each collection is sorted, oldest first. */
export interface State {
  products: Collection<Product>;
  prices: Collection<Price>;
  customers: Collection<Customer>;
  sessions: Collection<Session>;
  /** What a session will create. Its object does not have this. */
  plans: Collection<Plan>;
  subscriptions: Collection<Subscription>;
  invoices: Collection<Invoice>;
  methods: Collection<PaymentMethod>;
  /** What the bank does with a payment method. */
  behaviours: Collection<Behaviour>;
  charges: Collection<Charge>;
  disputes: Collection<Dispute>;
  confirmations: Collection<Confirmation>;
  /** By invoice. */
  debits: Collection<Debit>;
  /** By customer: how many of the next automatic payments fail. */
  failing: Collection<number>;
  /** By subscription: the end of the trial that an event has announced. */
  announced: Collection<number>;
  clocks: Collection<TestClock>;
  /** The clock of every customer without one of its own. It runs, this many seconds ahead of the machine's. */
  shared: { clock: string | null; ahead: number };
  endpoints: Collection<WebhookEndpoint>;
  secrets: Collection<string>;
  configurations: Collection<PortalConfiguration>;
  portals: Collection<PortalSession>;
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
  methods: {},
  behaviours: {},
  charges: {},
  disputes: {},
  confirmations: {},
  debits: {},
  failing: {},
  announced: {},
  clocks: {},
  shared: { clock: null, ahead: 0 },
  endpoints: {},
  secrets: {},
  configurations: {},
  portals: {},
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
