import { Agent } from '../../models/agent.ts';
import { AgentResourceGrant } from '../../models/agent-resource-grant.ts';
import { Resource } from '../../models/resource.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';
import { checkMayEndGrants } from '../authority/authority.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';
import { afterTokens } from '../authority/after-tokens.ts';

/** The caller holds the tenant's row, so no new grant can be added. Problem: `not_found`. */
const lockResource = async (trx: Transaction, tenantId: string, resourceId: string): Promise<Resource> => {
  await lockTenant(trx, tenantId);
  const resource = await Resource.query(trx).findById([tenantId, resourceId]);
  if (!resource) throw notFound();
  return resource;
};

const grantsOn = (trx: Transaction, { tenantId, id }: Resource) =>
  AgentResourceGrant.query(trx).where({ tenant_id: tenantId, resource_id: id });

/** Locks the agents with grants for the resource. Returns them, and the scopes that active or suspended agents hold. */
const lockHolders = async (
  trx: Transaction,
  resource: Resource,
): Promise<{ agentIds: string[]; changedAt: Date; scopes: string[] }> => {
  const agents = await Agent.query(trx)
    .select('id', 'status', 'updated_at')
    .where('tenant_id', resource.tenantId)
    .whereIn('id', grantsOn(trx, resource).select('agent_id'))
    .orderBy('id')
    .forUpdate();
  const living = new Set(agents.filter(({ status }) => status !== 'decommissioned').map(({ id }) => id));
  const grants = await grantsOn(trx, resource);
  const held = new Set(grants.filter(({ agentId }) => living.has(agentId)).flatMap(({ scopes }) => scopes));
  return {
    agentIds: agents.map(({ id }) => id),
    changedAt: agents.reduce((newest, { updatedAt: at }) => (at > newest ? at : newest), new Date(0)),
    scopes: [...held],
  };
};

/** Agents per statement, to stay below the statement timeout of two seconds. */
const PAGE = 500;

const endGrants = async (
  trx: Transaction,
  resource: Resource,
  agentIds: string[],
  at: Date,
): Promise<void> => {
  for (let from = 0; from < agentIds.length; from += PAGE) {
    const page = agentIds.slice(from, from + PAGE);
    await Agent.query(trx)
      .where('tenant_id', resource.tenantId)
      .whereIn('id', page)
      .patch({ revision: trx.raw('revision + 1'), updatedAt: at });
    await grantsOn(trx, resource).whereIn('agent_id', page).delete();
  }
};

/**
 * Deletes a service and its grants. The agents with grants lose their tokens, as if they lost a scope. Problems:
 * `not_found`, `forbidden` (agents hold scopes of it that the caller does not).
 */
export const deleteResource = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  resourceId: string,
  origin: Origin,
): Promise<void> => {
  requireId('res', resourceId);
  const { tenantId } = principal;
  await db.withTenant(tenantId, async (trx) => {
    const resource = await lockResource(trx, tenantId, resourceId);
    const { identifier } = resource;
    const { agentIds, changedAt, scopes } = await lockHolders(trx, resource);
    await checkMayEndGrants(trx, principal, {
      granted: { resourceId, resource: identifier, scopes },
      now: clock(),
    });
    const now = agentIds.length ? await afterTokens(trx, { tenantId, changedAt }, clock) : clock();
    await endGrants(trx, resource, agentIds, now);
    await Resource.query(trx).deleteById([tenantId, resourceId]);
    const act = { actor: principal, origin, at: now };
    const metadata = { resourceId, identifier, agentsWithGrants: agentIds.length };
    await appendAudit(trx, succeeded(act, { action: 'resource.deleted', agentId: null, metadata }));
  });
};
