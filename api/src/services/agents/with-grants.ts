import type { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { readGrants } from '../resource-grants/resource-grants.ts';
import type { ResourceGrant } from '../resource-grants/resource-grants.ts';

/** An agent, with what it is granted of its tenant's resources. */
export interface GrantedAgent {
  agent: Agent;
  resourceGrants: readonly ResourceGrant[];
}

/** One query for all of them. */
export const withGrants = async (
  trx: Transaction,
  tenantId: string,
  agents: readonly Agent[],
): Promise<GrantedAgent[]> => {
  const ids = agents.map(({ id }) => id);
  const grants = await readGrants(trx, tenantId, ids);
  return agents.map((agent) => ({ agent, resourceGrants: grants.get(agent.id) ?? [] }));
};
