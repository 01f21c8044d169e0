import { Resource } from '../../models/resource.ts';
import type { Database } from '../../platform/database.ts';
import { keep } from '../../platform/keep.ts';
import { canonicalResource } from '../tokens/resource-uri.ts';

/** What a token may be for: what its scopes are taken from, and how long it may live. */
export interface FoundResource {
  identifier: string;
  scopes: readonly string[];
  tokenTtlSeconds: number;
}

export type FindResource = (tenantId: string, identifier: string) => Promise<FoundResource | undefined>;

/**
 * The tenant's own resource of this identifier, however that is spelt; its own spelling is what comes back. What was
 * found is kept for a second, so a warm request asks nothing.
 */
export const createResourceLookup = (db: Database): FindResource =>
  keep(1_000, (tenantId, identifier) =>
    db.withTenant(tenantId, (trx) =>
      Resource.query(trx)
        .where('tenant_id', tenantId)
        .where((either) => either.where({ identifier }).orWhere({ canonical: canonicalResource(identifier) }))
        .orderByRaw('identifier = ? desc', [identifier])
        .first(),
    ),
  );
