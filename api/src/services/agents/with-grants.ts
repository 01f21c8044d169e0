import type { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { readGrants } from '../resource-grants/resource-grants.ts';
import type { ResourceGrant } from '../resource-grants/resource-grants.ts';

/** An agent with its resource grants. */
export interface GrantedAgent {
  agent: Agent;
  resourceGrants: readonly ResourceGrant[];
}

/** One query for all agents. */
export const withGrants = async (
  trx: Transaction,
  tenantId: string,
  agents: readonly Agent[],
): Promise<GrantedAgent[]> => {
  const ids = agents.map(({ id }) => id);
  const grants = await readGrants(trx, tenantId, ids);
  return agents.map((agent) => ({ agent, resourceGrants: grants.get(agent.id) ?? [] }));
};
