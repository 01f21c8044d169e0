/** Checkouts and subscriptions: users wait for them. */
export const BILLING_QUEUE = 'billing';

/** Scheduled work for all tenants. It never delays a checkout. */
export const BATCH_QUEUE = 'batch';

/** The names that client and worker share. If you rename one, running workflows no longer receive its messages. */
export const names = {
  checkout: 'checkout',
  subscription: 'subscription',
  renewalReminder: 'renewalReminder',
  stripeReconcile: 'stripeReconcile',
  credentialExpiry: 'credentialExpiry',
  keyRotation: 'keyRotation',
  housekeeping: 'housekeeping',
  dailyQuotaReset: 'dailyQuotaReset',
  /** Update of `checkout`. Returns the URL of the Stripe session. The update id is fixed, so clicks share it. */
  open: 'open',
  /** Signal of both: read from Stripe again. It has no payload, so duplicates, order and delays do not matter. */
  nudge: 'nudge',
  /** Updates of `subscription`. Their validators refuse with a reason, before anything is in the history. */
  cancel: 'cancel',
  resume: 'resume',
  extendGrace: 'extendGrace',
  resync: 'resync',
  /** Signal of `renewalReminder`: the offset of Stripe's clock has changed. */
  moveClock: 'moveClock',
  /** Signal of `renewalReminder`: the charge has moved or is cancelled. */
  stop: 'stop',
  /** Query of both: the current state of the workflow. */
  state: 'state',
} as const;
