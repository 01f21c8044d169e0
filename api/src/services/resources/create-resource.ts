import { Resource } from '../../models/resource.ts';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import type { Clock } from '../../platform/clock.ts';
import type { TenantDatabase, Transaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { fieldProblem } from '../../platform/field-problem.ts';
import { Problem } from '../../platform/problem.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { checkStanding } from '../authority/authority.ts';
import { succeeded } from '../audit/entry.ts';
import { countCreation } from '../limits/count-today.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';
import { canonicalResource } from '../../platform/resource-uri.ts';

export interface NewResource {
  identifier: string;
  scopes: string[];
  tokenTtlSeconds: number;
}

export interface ResourceDeps {
  db: TenantDatabase;
  clock: Clock;
  config: { PUBLIC_URL: string; BILLING_ENABLED: boolean };
}

/** More than a tenant needs. The list is not paged. */
const MAX_RESOURCES = 100;

/** Rejects our own origin, because the API would accept tokens for it. */
const checkIdentifier = (identifier: string, publicUrl: string): void => {
  if (new URL(identifier).origin === new URL(publicUrl).origin) {
    const words = 'must be the URL of your own service, not of the SentryAgent API';
    throw fieldProblem([{ path: ['body', 'identifier'], words }]);
  }
};

const checkRoom = async (trx: Transaction, tenantId: string): Promise<void> => {
  if ((await Resource.query(trx).where('tenant_id', tenantId).resultSize()) >= MAX_RESOURCES) {
    throw new Problem('resource_limit', `A tenant has at most ${MAX_RESOURCES} resources. Delete one first.`);
  }
};

/**
 * Registers a service. Agents with grants for it can then get tokens for it. Problems: `validation_failed`,
 * `resource_taken`, `resource_limit`, `daily_limit`, `forbidden`.
 */
export const createResource = async (
  deps: ResourceDeps,
  principal: Principal,
  { identifier, scopes, tokenTtlSeconds }: NewResource,
  origin: Origin,
): Promise<Resource> => {
  checkIdentifier(identifier, deps.config.PUBLIC_URL);
  const { tenantId } = principal;
  const now = deps.clock();
  return deps.db.withTenant(tenantId, async (trx) => {
    const { tier } = await lockTenant(trx, tenantId);
    await checkRoom(trx, tenantId);
    await checkStanding(trx, principal, now);
    await countCreation(trx, deps, principal, tiers[tier]);
    const resource = await Resource.query(trx).insert({
      tenantId,
      id: newId('res', now.getTime()),
      identifier,
      canonical: canonicalResource(identifier),
      scopes: [...new Set(scopes)],
      tokenTtlSeconds,
      createdAt: now,
    });
    const act = { actor: principal, origin, at: now };
    const metadata = { resourceId: resource.id, identifier, scopes: resource.scopes, tokenTtlSeconds };
    await appendAudit(trx, succeeded(act, { action: 'resource.created', agentId: null, metadata }));
    return resource;
  });
};
