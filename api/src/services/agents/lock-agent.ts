import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import { Problem, notFound } from '../../platform/problem.ts';

/**
 * Takes the agent's row until the transaction ends: changes of one agent and its credentials go one after another.
 * Problem: `not_found`.
 */
export const lockAgent = async (trx: Transaction, tenantId: string, agentId: string): Promise<Agent> => {
  // Postgres takes no NUL in a text: what cannot be an id is not asked for.
  if (!isId('agt', agentId)) throw notFound();
  const agent = await Agent.query(trx).findOne({ tenant_id: tenantId, id: agentId }).forUpdate();
  if (!agent) throw notFound();
  return agent;
};

/** The same, of an agent that can still change. Problems: `not_found`, `agent_decommissioned`. */
export const lockLivingAgent = async (
  trx: Transaction,
  tenantId: string,
  agentId: string,
): Promise<Agent> => {
  const agent = await lockAgent(trx, tenantId, agentId);
  if (agent.status !== 'decommissioned') return agent;
  throw new Problem('agent_decommissioned', 'A decommissioned agent stays so. Register a new one.');
};
