import { Resource } from '../../models/resource.ts';
import type { Database } from '../../platform/database.ts';
import { keep } from '../../platform/keep.ts';
import { canonicalForms } from '../../platform/resource-uri.ts';

/** What a token may be for: which of its scopes the agent may get, and how long it may live. */
export interface FoundResource {
  /** The API has none. */
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
 * The tenant's own resource of this identifier, however that is spelt, with what the agent was granted of it; nothing
 * without a grant. Its own spelling is what comes back. What was found is kept for a second, so a warm request asks
 * nothing; whether it still holds, the commit looks.
 */
export const createResourceLookup = (db: Database): FindResource =>
  keep(1_000, (tenantId, agentId, identifier) =>
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
