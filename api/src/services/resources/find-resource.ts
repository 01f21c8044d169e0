import { LRUCache } from 'lru-cache';
import { Resource } from '../../models/resource.ts';
import type { Database } from '../../platform/database.ts';

/** What a token may be for: what its scopes are taken from, and how long it may live. */
export interface FoundResource {
  identifier: string;
  scopes: readonly string[];
  tokenTtlSeconds: number;
}

export type FindResource = (tenantId: string, identifier: string) => Promise<FoundResource | undefined>;

/** The tenant's own resource of this identifier. What was found is kept for a second, so a warm request asks nothing. */
export const createResourceLookup = (db: Database): FindResource => {
  const known = new LRUCache<string, FoundResource>({ max: 10_000, ttl: 1_000 });
  return async (tenantId, identifier) => {
    const id = `${tenantId} ${identifier}`;
    const kept = known.get(id);
    if (kept) return kept;
    const found = await db.withTenant(tenantId, (trx) =>
      Resource.query(trx).findOne({ tenant_id: tenantId, identifier }),
    );
    if (!found) return undefined;
    known.set(id, found);
    return found;
  };
};
