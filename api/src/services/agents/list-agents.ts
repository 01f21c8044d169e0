import type { QueryBuilder } from 'objection';
import { Agent, type AgentStatus, type AgentType, type DeploymentEnv } from '../../models/agent.ts';
import { AgentResourceGrant } from '../../models/agent-resource-grant.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { toPage, type Page, type PageRequest } from '../../platform/page.ts';
import { encodeAgentCursor, sortAgents, type AgentSort } from './agent-order.ts';
import { viewAgents, type AgentView } from './agent-view.ts';

export interface AgentFilter {
  /** One of these. */
  status?: AgentStatus[] | undefined;
  agentType?: AgentType | undefined;
  deploymentEnv?: DeploymentEnv | undefined;
  owner?: string | undefined;
  /** One of its capabilities, as an exact match. */
  capability?: string | undefined;
  /** A resource of which it is granted scopes. */
  resourceId?: string | undefined;
  /** A part of its name, case-insensitive, or its id. */
  q?: string | undefined;
}

const narrow = (
  query: QueryBuilder<Agent>,
  { status, agentType, deploymentEnv, owner, capability, resourceId, q }: AgentFilter,
): void => {
  const columns = { agent_type: agentType, deployment_env: deploymentEnv, owner };
  for (const [column, value] of Object.entries(columns)) {
    if (value !== undefined) query.where(column, value);
  }
  if (status !== undefined) query.whereIn('status', status);
  if (capability !== undefined) query.whereRaw('capabilities @> array[?]', [capability]);
  if (resourceId !== undefined) {
    const grants = AgentResourceGrant.query().where('resource_id', resourceId);
    query.whereIn(['tenant_id', 'id'], grants.select('tenant_id', 'agent_id'));
  }
  if (q !== undefined) query.whereRaw('(strpos(lower(name), lower(?)) > 0 or id = ?)', [q, q]);
};

/** The tenant's agents that match the filter. Problem: `validation_failed` (an invalid cursor). */
export const listAgents = async (
  { db, clock }: { db: Database; clock: Clock },
  tenantId: string,
  { limit, cursor, sort, ...filter }: PageRequest & AgentFilter & { sort: AgentSort },
): Promise<Page<AgentView>> =>
  db.withTenant(tenantId, async (trx) => {
    const query = Agent.query(trx)
      .where('tenant_id', tenantId)
      .limit(limit + 1);
    narrow(query, filter);
    sortAgents(query, sort, cursor);
    const { rows, nextCursor } = toPage(await query, limit, (agent) => encodeAgentCursor(sort, agent));
    return { rows: await viewAgents(trx, tenantId, rows, clock()), nextCursor };
  });
