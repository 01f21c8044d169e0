import type { Tier } from '@sentryagent/workflows/rules/tiers';
import type { Database } from '../../platform/database.ts';
import { keep } from '../../platform/keep.ts';
import { readTier } from './read-tier.ts';

/** The tier that a tenant's limits come from. Problem: `unauthorized`, of a tenant that is gone. */
export type FindTier = (tenantId: string) => Promise<Tier>;

/** Kept for a second, so that a change of tier is felt within it and a warm request asks nothing. */
export const createTierLookup = (db: Database): FindTier =>
  keep(1_000, (tenantId: string) => db.withTenant(tenantId, (trx) => readTier(trx, tenantId)));
