import { tiers } from '@sentryagent/workflows/rules/tiers';
import type { Tier } from '@sentryagent/workflows/rules/tiers';
import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Database } from '../../platform/database.ts';
import { keep } from '../../platform/keep.ts';
import { Problem } from '../../platform/problem.ts';

/** The tier of a tenant. Problem: `unauthorized`, if the tenant no longer exists. */
export type FindTier = (tenantId: string) => Promise<Tier>;

const readTier = async (db: Database, tenantId: string): Promise<Tier | undefined> => {
  const row = await db.withTenant(tenantId, (trx) => TenantSubscription.query(trx).findById(tenantId));
  return row && tiers[row.tier];
};

/** Cached for a second, so a warm request needs no query and a change applies within a second. */
export const createTierLookup = (db: Database): FindTier => {
  const find = keep(1_000, (tenantId: string) => readTier(db, tenantId));
  return async (tenantId) => {
    const tier = await find(tenantId);
    if (!tier) throw new Problem('unauthorized', 'The tenant of this token no longer exists.');
    return tier;
  };
};
