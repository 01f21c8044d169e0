import { tiers } from '@sentryagent/workflows/rules/tiers';
import type { Tier } from '@sentryagent/workflows/rules/tiers';
import { LRUCache } from 'lru-cache';
import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Database } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';

/** The tier that a tenant's limits come from. Problem: `unauthorized`, of a tenant that is gone. */
export type FindTier = (tenantId: string) => Promise<Tier>;

/** Kept for a second, so that a change of tier is felt within it and a warm request asks nothing. */
export const createTierLookup = (db: Database): FindTier => {
  const known = new LRUCache<string, Tier>({ max: 10_000, ttl: 1_000 });
  return async (tenantId) => {
    const cached = known.get(tenantId);
    if (cached) return cached;
    const row = await db.withTenant(tenantId, (trx) => TenantSubscription.query(trx).findById(tenantId));
    if (!row) throw new Problem('unauthorized', 'The tenant of this token is gone.');
    const tier = tiers[row.tier];
    known.set(tenantId, tier);
    return tier;
  };
};
