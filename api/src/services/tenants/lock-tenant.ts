import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Transaction } from '../../platform/database.ts';

/**
 * Locks the tenant's row until the transaction ends. Lock it before any other row. Changes of counts and grants of a
 * tenant run one after another.
 */
export const lockTenant = async (trx: Transaction, tenantId: string): Promise<TenantSubscription> =>
  TenantSubscription.query(trx).findById(tenantId).forUpdate().throwIfNotFound();
