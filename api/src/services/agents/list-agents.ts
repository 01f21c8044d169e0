import type { QueryBuilder } from 'objection';
import { Agent } from '../../models/agent.ts';
import { AgentResourceGrant } from '../../models/agent-resource-grant.ts';
import type { AgentStatus, AgentType, DeploymentEnv } from '../../models/agent.ts';
import type { Database } from '../../platform/database.ts';
import { decodeCursor, toPage } from '../../platform/page.ts';
import type { Page, PageRequest } from '../../platform/page.ts';
import { withGrants } from './with-grants.ts';
import type { GrantedAgent } from './with-grants.ts';

export interface AgentFilter {
  status?: AgentStatus | undefined;
  agentType?: AgentType | undefined;
  deploymentEnv?: DeploymentEnv | undefined;
  owner?: string | undefined;
  /** One of its capabilities, as an exact match. */
  capability?: string | undefined;
  /** A resource of which it is granted scopes. */
  resourceId?: string | undefined;
  /** The beginning of its name, case-insensitive. */
  q?: string | undefined;
}

const narrow = (
  query: QueryBuilder<Agent>,
  { status, agentType, deploymentEnv, owner, capability, resourceId, q }: AgentFilter,
): void => {
  const columns = { status, agent_type: agentType, deployment_env: deploymentEnv, owner };
  for (const [column, value] of Object.entries(columns)) {
    if (value !== undefined) query.where(column, value);
  }
  if (capability !== undefined) query.whereRaw('capabilities @> array[?]', [capability]);
  if (resourceId !== undefined) {
    const grants = AgentResourceGrant.query().where('resource_id', resourceId);
    query.whereIn(['tenant_id', 'id'], grants.select('tenant_id', 'agent_id'));
  }
  if (q !== undefined) query.whereRaw('starts_with(lower(name), lower(?))', [q]);
};

/** The tenant's agents that match the filter, newest first, because ids sort by time. */
export const listAgents = async (
  db: Database,
  tenantId: string,
  { limit, cursor, ...filter }: PageRequest & AgentFilter,
): Promise<Page<GrantedAgent>> => {
  const before = cursor === undefined ? undefined : decodeCursor('agt', cursor);
  return db.withTenant(tenantId, async (trx) => {
    const query = Agent.query(trx)
      .where('tenant_id', tenantId)
      .orderBy('id', 'desc')
      .limit(limit + 1);
    narrow(query, filter);
    if (before !== undefined) query.where('id', '<', before);
    const { rows, nextCursor } = toPage(await query, limit);
    return { rows: await withGrants(trx, tenantId, rows), nextCursor };
  });
};
