import { Resource } from '../../models/resource.ts';
import type { Database } from '../../platform/database.ts';
import { cached } from '../../platform/cached.ts';
import { canonicalForms } from '../../platform/resource-uri.ts';

/** The target of a token: the scopes that the agent can get, and the maximum lifetime. */
export interface FoundResource {
  /** Not set for the API. */
  resourceId?: string;
  identifier: string;
  scopes: readonly string[];
  tokenTtlSeconds: number;
}

export type FindResource = (
  tenantId: string,
  agentId: string,
  identifier: string,
) => Promise<FoundResource | undefined>;

/**
 * Finds the tenant's resource with this identifier, in any spelling, with the agent's scopes. Returns the registered
 * spelling. `undefined` without a grant. Cached for a second, so a warm request needs no query. The commit checks
 * again.
 */
export const createResourceLookup = (db: Database): FindResource =>
  cached(1_000, (tenantId, agentId, identifier) =>
    db.withTenant(tenantId, async (trx) => {
      const forms = canonicalForms(identifier);
      const found = await Resource.query(trx)
        .joinRaw(
          `join agent_resource_grants g on g.tenant_id = resources.tenant_id and g.resource_id = resources.id
           and g.agent_id = ?`,
          [agentId],
        )
        .select('id', 'identifier', 'token_ttl_seconds', 'g.scopes')
        .where('resources.tenant_id', tenantId)
        .where((either) => either.where({ identifier }).orWhereIn('canonical', forms))
        .orderByRaw('identifier = ? desc, canonical = ? desc', [identifier, forms[0] ?? identifier])
        .first();
      if (!found) return undefined;
      const { id: resourceId, scopes, tokenTtlSeconds } = found;
      return { resourceId, identifier: found.identifier, scopes, tokenTtlSeconds };
    }),
  );
