import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { Checkout } from '../../../models/checkout.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import type { Temporal } from '../../../platform/temporal.ts';
import { expireCheckoutSession } from './checkout-session.ts';
import { closeCheckout } from './close-checkout.ts';
import { startSubscription } from '../subscription/start-subscription.ts';

export interface RepairCheckoutDeps {
  db: Database;
  stripe: Stripe;
  temporal: Temporal;
  clock: Clock;
}

/**
 * Completes the work of an open checkout whose workflow was terminated. Expires the Stripe session, because no workflow
 * watches it. An earlier payment counts. A row without a session stays open, because its workflow may be about to
 * start.
 */
export const repairCheckout = async (deps: RepairCheckoutDeps, key: CheckoutInput): Promise<void> => {
  const { db, stripe, temporal } = deps;
  const row = await db.withTenant(key.tenantId, (trx) =>
    Checkout.query(trx).findOne({ id: key.checkoutId, status: 'open' }),
  );
  if (!row?.sessionId) return;
  const { sessionId } = row;
  const status = await expireCheckoutSession(stripe, sessionId);
  if (status === 'complete') await startSubscription(temporal, key.tenantId);
  await closeCheckout(deps, key, status === 'complete' ? 'completed' : 'expired', {
    session_id: sessionId,
  });
};
