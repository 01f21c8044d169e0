import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { Checkout, unfinished } from '../../../models/checkout.ts';
import type { Database } from '../../../platform/database.ts';
import { notFound } from '../../../platform/problem.ts';
import { requireId } from '../../../platform/require-id.ts';

export interface GetCheckoutDeps {
  db: Database;
  stripeEvents: { lookAt(key: CheckoutInput): void } | undefined;
}

/**
 * One checkout of the tenant. If it is unfinished, a user waits for it, so its workflow is signaled to read from Stripe.
 * Problem: `not_found`.
 */
export const getCheckout = async (
  { db, stripeEvents }: GetCheckoutDeps,
  tenantId: string,
  checkoutId: string,
): Promise<Checkout> => {
  requireId('chk', checkoutId);
  const checkout = await db.withTenant(tenantId, (trx) => Checkout.query(trx).findOne({ id: checkoutId }));
  if (!checkout) throw notFound();
  if (unfinished.includes(checkout.status)) stripeEvents?.lookAt({ tenantId, checkoutId });
  return checkout;
};
