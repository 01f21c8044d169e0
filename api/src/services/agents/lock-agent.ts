import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { agentsOf, type Principal } from '../../platform/principal.ts';
import { Problem, notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';

/**
 * Locks the agent's row until the transaction ends, so that changes of an agent and its credentials run one after
 * another. Before it, locks those agents of the caller's token that have a smaller id. So rows are always locked in the
 * order of their ids, and agents that change each other cannot deadlock. Problem: `not_found`.
 */
export const lockAgent = async (trx: Transaction, principal: Principal, agentId: string): Promise<Agent> => {
  const { tenantId } = principal;
  requireId('agt', agentId);
  const before = agentsOf(principal).filter((id) => id < agentId);
  if (before.length > 0) {
    await Agent.query(trx).where('tenant_id', tenantId).whereIn('id', before).orderBy('id').forShare();
  }
  const agent = await Agent.query(trx).findOne({ tenant_id: tenantId, id: agentId }).forUpdate();
  if (!agent) throw notFound();
  return agent;
};

/** Like `lockAgent`, for an agent that is not decommissioned. Problems: `not_found`, `agent_decommissioned`. */
export const lockLivingAgent = async (
  trx: Transaction,
  principal: Principal,
  agentId: string,
): Promise<Agent> => {
  const agent = await lockAgent(trx, principal, agentId);
  if (agent.status !== 'decommissioned') return agent;
  throw new Problem(
    'agent_decommissioned',
    'A decommissioned agent cannot be changed. Register a new agent.',
  );
};
