/** Checkouts and subscriptions: what people wait for. */
export const BILLING_QUEUE = 'billing';

/** Work by the clock over all tenants: it never keeps a checkout waiting. */
export const BATCH_QUEUE = 'batch';

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
