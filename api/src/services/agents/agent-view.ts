import type { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import { readGrants, type ResourceGrant } from '../resource-grants/resource-grants.ts';
import { readLastTokens } from '../usage/last-tokens.ts';
import { noCredentials, summarizeCredentials, type CredentialSummary } from './summarize-credentials.ts';

/** An agent as a caller sees it. */
export interface AgentView {
  agent: Agent;
  resourceGrants: readonly ResourceGrant[];
  credentials: CredentialSummary;
  /** `null`: it never got a token. */
  lastTokenAt: Date | null;
}

/** Three queries for all agents, sent at once. */
export const viewAgents = async (
  trx: Transaction,
  tenantId: string,
  agents: readonly Agent[],
  now: Date,
): Promise<AgentView[]> => {
  const ids = agents.map(({ id }) => id);
  const [grants, credentials, lastTokens] = await Promise.all([
    readGrants(trx, tenantId, ids),
    summarizeCredentials(trx, { tenantId, agentIds: ids, now }),
    readLastTokens(trx, tenantId, ids),
  ]);
  return agents.map((agent) => ({
    agent,
    resourceGrants: grants.get(agent.id) ?? [],
    credentials: credentials.get(agent.id) ?? noCredentials,
    lastTokenAt: lastTokens.get(agent.id) ?? null,
  }));
};

export const viewAgent = async (trx: Transaction, agent: Agent, now: Date): Promise<AgentView> =>
  (await viewAgents(trx, agent.tenantId, [agent], now))[0]!;
