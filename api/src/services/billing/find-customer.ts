import { StripeCustomer } from '../../models/stripe-customer.ts';
import type { TenantDatabase } from '../../platform/database.ts';

/** The tenant's customer at Stripe, if it has one. */
export const findCustomer = (db: TenantDatabase, tenantId: string): Promise<string | undefined> =>
  db.withTenant(tenantId, async (trx) => (await StripeCustomer.query(trx).findById(tenantId))?.customerId);
