import { Resource } from '../../models/resource.ts';
import type { Database } from '../../platform/database.ts';
import { keep } from '../../platform/keep.ts';

/** What a token may be for: what its scopes are taken from, and how long it may live. */
export interface FoundResource {
  identifier: string;
  scopes: readonly string[];
  tokenTtlSeconds: number;
}

export type FindResource = (tenantId: string, identifier: string) => Promise<FoundResource | undefined>;

/** The tenant's own resource of this identifier. What was found is kept for a second, so a warm request asks nothing. */
export const createResourceLookup = (db: Database): FindResource =>
  keep(1_000, (tenantId, identifier) =>
    db.withTenant(tenantId, (trx) => Resource.query(trx).findOne({ tenant_id: tenantId, identifier })),
  );
