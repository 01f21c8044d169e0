import type { Tier } from '@sentryagent/workflows/rules/tiers';
import type { Database } from '../../platform/database.ts';
import { cached } from '../../platform/cached.ts';
import { readTier } from './read-tier.ts';

/** The tier of a tenant. Problem: `unauthorized`, if the tenant no longer exists. */
export type FindTier = (tenantId: string) => Promise<Tier>;

/** Cached for a second, so a warm request needs no query and a change applies within a second. */
export const createTierLookup = (db: Database): FindTier =>
  cached(1_000, (tenantId: string) => db.withTenant(tenantId, (trx) => readTier(trx, tenantId)));
