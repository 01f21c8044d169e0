import type { CheckoutEnd, SessionStatus } from './rules/checkout.ts';
import type { SubscriptionReading, SubscriptionView } from './rules/subscription.ts';

/** Checkouts and subscriptions: what people wait for. */
export const BILLING_QUEUE = 'billing';

/** Work by the clock over all tenants: it never keeps a checkout waiting. */
export const BATCH_QUEUE = 'batch';

export const checkoutWorkflowId = (tenantId: string, checkoutId: string): string =>
  `checkout/${tenantId}/${checkoutId}`;

export const subscriptionWorkflowId = (tenantId: string): string => `subscription/${tenantId}`;

/** The names by which client and worker call each other; a renamed one strands every open run. */
export const names = {
  checkout: 'checkout',
  subscription: 'subscription',
  credentialExpiry: 'credentialExpiry',
  keyRotation: 'keyRotation',
  housekeeping: 'housekeeping',
  /** Update of `checkout`: answers once its page at Stripe is open. Its id is fixed, so a second click gets the same. */
  open: 'open',
  /** Signal of both: look at Stripe again. It carries nothing, so duplicates, order and delay cannot matter. */
  nudge: 'nudge',
  /** Query of both: what the run knows now. */
  state: 'state',
} as const;

/** What runs by the clock. The API creates or updates them when it starts; the workers only run them. */
export const schedules = [
  {
    scheduleId: 'credential-expiry',
    workflow: names.credentialExpiry,
    /** UTC. */
    hour: 6,
    note: 'Mails owners 30, 7 and 1 days before credentials expire.',
  },
  {
    scheduleId: 'key-rotation',
    workflow: names.keyRotation,
    hour: 3,
    note: 'Moves the signing keys on by whatever is due.',
  },
  {
    scheduleId: 'housekeeping',
    workflow: names.housekeeping,
    hour: 4,
    note: 'Deletes what has expired.',
  },
] as const;

/** Registered in the namespace at each start of a worker. */
export const searchAttributes = {
  tenantId: { name: 'TenantId', type: 'KEYWORD' },
  tier: { name: 'Tier', type: 'KEYWORD' },
  subscriptionStatus: { name: 'SubscriptionStatus', type: 'KEYWORD' },
  renewsAt: { name: 'RenewsAt', type: 'DATETIME' },
  checkoutStatus: { name: 'CheckoutStatus', type: 'KEYWORD' },
} as const;

/** The `type` of an ApplicationFailure that fails `open`. */
export const failures = {
  /** Stripe has a live subscription of this tenant. */
  alreadySubscribed: 'already_subscribed',
  /** Stripe would not open a session: not for this request, or not in time. */
  sessionRefused: 'session_refused',
} as const;

export interface CheckoutInput {
  tenantId: string;
  checkoutId: string;
}

export interface CheckoutRun extends CheckoutInput {
  /** The page that the run before has opened. */
  session?: OpenedSession;
}

export interface OpenedCheckout {
  /** Stripe's page. */
  url: string;
}

export interface CheckoutState {
  status: 'opening' | 'open' | CheckoutEnd;
  sessionId: string | null;
  expiresAt: string | null;
}

export interface SubscriptionInput {
  tenantId: string;
  /** What the run before saw last. */
  view?: SubscriptionView;
}

export interface OpenedSession {
  sessionId: string;
  url: string;
  /** ISO 8601, as Stripe says. */
  expiresAt: string;
}

export interface CredentialExpiryInput {
  /** The tenant that the run before ended with. */
  after?: string;
}

/** Everything that touches the world. Each is safe to run twice; each names its tenant, and no input holds a secret. */
export interface Activities {
  openCheckoutSession(input: CheckoutInput & { expiresAt: string }): Promise<OpenedSession>;
  readCheckoutSession(input: { sessionId: string }): Promise<SessionStatus>;
  /** Ends it where it can still be ended; answers what it is then. */
  expireCheckoutSession(input: { sessionId: string }): Promise<SessionStatus>;
  closeCheckout(input: CheckoutInput & { status: CheckoutEnd }): Promise<void>;
  /** Starts `subscription`, or nudges the one that runs. */
  startSubscription(input: { tenantId: string }): Promise<void>;
  /** Reads the tenant's subscription from Stripe and writes what follows from it to our row. */
  applySubscription(input: { tenantId: string }): Promise<SubscriptionReading>;
}

export interface AnnouncedPage {
  /** The last tenant of the page; `null` after the last page. */
  next: string | null;
  /** Mails that are new. */
  queued: number;
}

export interface RotatedKey {
  kid: string;
  to: 'next' | 'current' | 'previous' | 'gone';
}

export interface DeletedBatch {
  /** Rows. */
  deleted: number;
  /** Whether more of them may be left. */
  isMore: boolean;
}

/** The same, for the batch queue. */
export interface BatchActivities {
  /** Queues the digests that are due for a page of the tenants after this one. */
  announceExpiry(input: { after: string }): Promise<AnnouncedPage>;
  /** Moves the signing keys on by whatever is due; answers what became of which. */
  rotateSigningKeys(): Promise<RotatedKey[]>;
  /** Deletes a batch of what has expired, of every tenant. */
  deleteExpired(): Promise<DeletedBatch>;
}
