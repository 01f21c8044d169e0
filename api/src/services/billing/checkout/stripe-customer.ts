import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { StripeCustomer } from '../../../models/stripe-customer.ts';
import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { listPayers } from '../../mail/list-payers.ts';
import { findCustomer } from '../find-customer.ts';
import { isRefusedEmail } from '../stripe-errors.ts';

export interface Buyer extends CheckoutInput {
  /** The member or agent that started the checkout. */
  createdBy: string;
}

/** Invoices go to the owner who buys, or to the first owner if an admin or an agent buys. */
const create = async (
  { db, stripe }: { db: Database; stripe: Stripe },
  { tenantId, createdBy }: Buyer,
  idempotencyKey: string,
): Promise<string> => {
  const payers = await db.withTenant(tenantId, listPayers);
  const { email } = payers.find(({ userId }) => userId === createdBy) ?? payers[0] ?? {};
  const metadata = { tenant_id: tenantId };
  try {
    return (await stripe.customers.create({ metadata, ...(email && { email }) }, { idempotencyKey })).id;
  } catch (error) {
    // Stripe refuses some valid addresses, such as one without a dot in the domain. Its page then asks for one.
    if (!isRefusedEmail(error)) throw error;
    return (await stripe.customers.create({ metadata }, { idempotencyKey: `${idempotencyKey}/no-email` })).id;
  }
};

/**
 * Returns the tenant's Stripe customer, or creates one. The idempotency key is the checkout's, because Stripe repeats a
 * server error for a day, and the next checkout must not get it. The first customer that is stored wins.
 */
export const ensureCustomer = async (
  deps: { db: Database; stripe: Stripe },
  buyer: Buyer,
): Promise<string> => {
  const { tenantId, checkoutId } = buyer;
  const known = await findCustomer(deps.db, tenantId);
  if (known) return known;
  const id = await create(deps, buyer, `customer/${checkoutId}`);
  return deps.db.withTenant(tenantId, async (trx) => {
    await StripeCustomer.query(trx).insert({ tenantId, customerId: id }).onConflict('tenant_id').ignore();
    return (await StripeCustomer.query(trx).findById(tenantId).throwIfNotFound()).customerId;
  });
};

/** Replaces a customer that Stripe no longer has. Returns the customer that is stored. */
export const replaceCustomer = async (
  deps: { db: Database; stripe: Stripe },
  buyer: Buyer,
  gone: string,
): Promise<string> => {
  const { tenantId, checkoutId } = buyer;
  const id = await create(deps, buyer, `customer/${checkoutId}/${gone}`);
  return deps.db.withTenant(tenantId, async (trx) => {
    await StripeCustomer.query(trx).where({ customer_id: gone }).patch({ customerId: id });
    return (await StripeCustomer.query(trx).findById(tenantId).throwIfNotFound()).customerId;
  });
};
