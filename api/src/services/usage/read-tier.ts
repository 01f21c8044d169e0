import { tiers, type Tier } from '@sentryagent/workflows/rules/tiers';
import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Transaction } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';

/** The tier of a tenant. Problem: `unauthorized`, if the tenant is gone. */
export const readTier = async (trx: Transaction, tenantId: string): Promise<Tier> => {
  const row = await TenantSubscription.query(trx).findById(tenantId);
  if (!row) throw new Problem('unauthorized', 'The tenant of this token no longer exists.');
  return tiers[row.tier];
};
