import type { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { readGrants } from '../resource-grants/resource-grants.ts';
import type { ResourceGrant } from '../resource-grants/resource-grants.ts';
import { readLastTokens } from '../usage/last-tokens.ts';

/** An agent with its resource grants and the time of its last token. */
export interface GrantedAgent {
  agent: Agent;
  resourceGrants: readonly ResourceGrant[];
  /** `null`: it never got a token. */
  lastTokenAt: Date | null;
}

/** Two queries for all agents. */
export const withGrants = async (
  trx: Transaction,
  tenantId: string,
  agents: readonly Agent[],
): Promise<GrantedAgent[]> => {
  const ids = agents.map(({ id }) => id);
  const grants = await readGrants(trx, tenantId, ids);
  const lastTokens = await readLastTokens(trx, tenantId, ids);
  return agents.map((agent) => ({
    agent,
    resourceGrants: grants.get(agent.id) ?? [],
    lastTokenAt: lastTokens.get(agent.id) ?? null,
  }));
};

export const withGrantsOf = async (trx: Transaction, agent: Agent): Promise<GrantedAgent> =>
  (await withGrants(trx, agent.tenantId, [agent]))[0]!;
