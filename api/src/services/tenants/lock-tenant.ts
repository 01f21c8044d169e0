import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Transaction } from '../../platform/database.ts';

/**
 * Takes the tenant's row until the transaction ends, before any other row: what is counted in a tenant, and which
 * agent is granted what of which resource, changes one request after another.
 */
export const lockTenant = async (trx: Transaction, tenantId: string): Promise<TenantSubscription> =>
  TenantSubscription.query(trx).findById(tenantId).forUpdate().throwIfNotFound();
