import { AgentResourceGrant } from '../../models/agent-resource-grant.ts';
import type { Transaction } from '../../platform/database.ts';
import type { ResourceGrant } from './resource-grants.ts';

/**
 * Replaces the grants of an agent. The caller holds the agent's row. If the agent loses a scope, its earlier tokens are
 * revoked.
 */
export const writeGrants = async (
  trx: Transaction,
  { tenantId, id: agentId }: { tenantId: string; id: string },
  grants: readonly ResourceGrant[],
): Promise<void> => {
  const kept = grants.map(({ resourceId }) => resourceId);
  await AgentResourceGrant.query(trx)
    .delete()
    .where({ tenant_id: tenantId, agent_id: agentId })
    .whereNotIn('resource_id', kept);
  if (grants.length === 0) return;
  await AgentResourceGrant.query(trx)
    .insert(grants.map(({ resourceId, scopes }) => ({ tenantId, agentId, resourceId, scopes: [...scopes] })))
    .onConflict(['tenant_id', 'agent_id', 'resource_id'])
    .merge(['scopes']);
};
