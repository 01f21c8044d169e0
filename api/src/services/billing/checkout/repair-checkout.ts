import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { checkoutEnd } from '@sentryagent/workflows/rules/checkout';
import { Checkout, unfinished } from '../../../models/checkout.ts';
import type { WorkflowDeps } from '../stripe-deps.ts';
import { expireCheckoutSession } from './checkout-session.ts';
import { closeCheckout, showProcessing } from './close-checkout.ts';
import { startSubscription } from '../subscription/start-subscription.ts';

/**
 * Completes the work of an unfinished checkout whose workflow was terminated. Expires the Stripe session, because no
 * workflow watches it. An earlier payment counts. A payment that settles later is read again at each click and event. A
 * row without a session stays open, because its workflow may be about to start.
 */
export const repairCheckout = async (deps: WorkflowDeps, key: CheckoutInput): Promise<void> => {
  const { db, stripe, temporal } = deps;
  const row = await db.withTenant(key.tenantId, (trx) =>
    Checkout.query(trx).findOne({ id: key.checkoutId }).whereIn('status', unfinished),
  );
  if (!row?.sessionId) return;
  const { sessionId } = row;
  const end = checkoutEnd(await expireCheckoutSession(stripe, sessionId));
  if (!end) return showProcessing(db, key);
  if (end === 'completed') await startSubscription(temporal, key.tenantId);
  await closeCheckout(deps, key, end, { session_id: sessionId });
};
