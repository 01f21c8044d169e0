import { Agent } from '../../models/agent.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';
import { viewAgent, type AgentView } from './agent-view.ts';

/** The row of an agent of the tenant. Problem: `not_found`, also for agents of other tenants. */
export const findAgent = async (trx: Transaction, tenantId: string, agentId: string): Promise<Agent> => {
  requireId('agt', agentId);
  const agent = await Agent.query(trx).findOne({ tenant_id: tenantId, id: agentId });
  if (!agent) throw notFound();
  return agent;
};

/** Problem: `not_found`. */
export const getAgent = async (
  { db, clock }: { db: Database; clock: Clock },
  tenantId: string,
  agentId: string,
): Promise<AgentView> =>
  db.withTenant(tenantId, async (trx) => viewAgent(trx, await findAgent(trx, tenantId, agentId), clock()));
