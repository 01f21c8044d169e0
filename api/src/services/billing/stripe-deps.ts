import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Stripe } from '../../platform/stripe.ts';
import type { Temporal } from '../../platform/temporal.ts';

/** What most billing services use. */
export interface StripeDeps {
  db: Database;
  stripe: Stripe;
  clock: Clock;
}

/** The same for those that start or signal workflows. */
export interface WorkflowDeps extends StripeDeps {
  temporal: Temporal;
}
