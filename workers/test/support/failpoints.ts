import type { Activities } from '@sentryagent/workflows/contracts';

/** The steps at which a worker is killed, by the phase of a subscription's life that they belong to. */
const STEPS = {
  /** An operator cancels a checkout before anybody pays. */
  left: ['expireCheckoutSession', 'closeCheckout'],
  /** The bank takes a debit, and returns it. */
  returned: ['showProcessing'],
  bought: [
    'openCheckoutSession',
    'readCheckoutSession',
    'startSubscription',
    'applySubscription',
    'closeCheckout',
  ],
  cancelled: ['changeCancellation', 'applySubscription'],
  resumed: ['changeCancellation', 'applySubscription'],
  reminded: ['remindOwners'],
  renewed: ['applySubscription'],
  /** A payment fails, and an operator extends the grace. */
  extended: ['extendGrace', 'applySubscription'],
} as const satisfies Record<string, readonly (keyof Activities)[]>;

export type Phase = keyof typeof STEPS;

/** Before an activity begins its work, or after it, when Temporal has no result yet. */
export type Failpoint = `${'before' | 'after'} ${keyof Activities}`;

export const phases = Object.keys(STEPS) as Phase[];

export const failpointsOf = (phase: Phase): Failpoint[] =>
  STEPS[phase].flatMap((step) => [`before ${step}`, `after ${step}`] as const);
