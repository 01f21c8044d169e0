import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { StripeCustomer } from '../../../models/stripe-customer.ts';
import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';

/** The tenant's customer at Stripe, if it has one. */
const findCustomer = (db: Database, tenantId: string): Promise<string | undefined> =>
  db.withTenant(tenantId, async (trx) => (await StripeCustomer.query(trx).findById(tenantId))?.customerId);

/**
 * Returns the tenant's Stripe customer, or creates one. The idempotency key is the checkout's, because Stripe repeats a
 * server error for a day, and the next checkout must not get it. The first customer that is stored wins.
 */
export const ensureCustomer = async (
  { db, stripe }: { db: Database; stripe: Stripe },
  { tenantId, checkoutId }: CheckoutInput,
): Promise<string> => {
  const known = await findCustomer(db, tenantId);
  if (known) return known;
  const { id } = await stripe.customers.create(
    { metadata: { tenant_id: tenantId } },
    { idempotencyKey: `customer/${checkoutId}` },
  );
  return db.withTenant(tenantId, async (trx) => {
    await StripeCustomer.query(trx).insert({ tenantId, customerId: id }).onConflict('tenant_id').ignore();
    return (await StripeCustomer.query(trx).findById(tenantId).throwIfNotFound()).customerId;
  });
};

/** Replaces a customer that Stripe no longer has. Returns the customer that is stored. */
export const replaceCustomer = async (
  { db, stripe }: { db: Database; stripe: Stripe },
  { tenantId, checkoutId }: CheckoutInput,
  gone: string,
): Promise<string> => {
  const { id } = await stripe.customers.create(
    { metadata: { tenant_id: tenantId } },
    { idempotencyKey: `customer/${checkoutId}/${gone}` },
  );
  return db.withTenant(tenantId, async (trx) => {
    await StripeCustomer.query(trx).where({ customer_id: gone }).patch({ customerId: id });
    return (await StripeCustomer.query(trx).findById(tenantId).throwIfNotFound()).customerId;
  });
};
