import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { speakersOf } from '../../platform/principal.ts';
import type { Principal } from '../../platform/principal.ts';
import { Problem, notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';

/**
 * Takes the agent's row until the transaction ends: changes of one agent and its credentials go one after another. Of
 * the agents that the caller's token speaks for, which are locked later, those with a smaller id come before it: all
 * are locked in one order, so that agents which act on each other do not wait for each other. Problem: `not_found`.
 */
export const lockAgent = async (trx: Transaction, principal: Principal, agentId: string): Promise<Agent> => {
  const { tenantId } = principal;
  requireId('agt', agentId);
  const before = speakersOf(principal).filter((id) => id < agentId);
  if (before.length > 0) {
    await Agent.query(trx).where('tenant_id', tenantId).whereIn('id', before).orderBy('id').forShare();
  }
  const agent = await Agent.query(trx).findOne({ tenant_id: tenantId, id: agentId }).forUpdate();
  if (!agent) throw notFound();
  return agent;
};

/** The same, of an agent that can still change. Problems: `not_found`, `agent_decommissioned`. */
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
