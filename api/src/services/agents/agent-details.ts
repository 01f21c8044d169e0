import type { Agent } from '../../models/agent.ts';

/** The fields of an agent that its owner can set. The server sets all others. */
export type AgentDetails = Pick<
  Agent,
  | 'name'
  | 'description'
  | 'email'
  | 'agentType'
  | 'version'
  | 'capabilities'
  | 'owner'
  | 'ownerTeam'
  | 'deploymentEnv'
  | 'isPublic'
  | 'scopes'
  | 'callCap'
>;

/** As in a request. Omitted fields are `undefined`. */
export type AgentChanges = { [Key in keyof AgentDetails]?: AgentDetails[Key] | undefined };

export type NewAgent = AgentChanges & { name: string };

/** The given fields as columns of a row. */
export const givenDetails = (given: AgentChanges): Partial<AgentDetails> => {
  const details = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const list of ['scopes', 'capabilities'] as const) {
    const values = given[list];
    if (values) details[list] = [...new Set<string>(values)];
  }
  return details;
};

type Default = Omit<AgentDetails, 'owner' | 'ownerTeam'>;

/** A new agent needs only a name. Its default owner depends on the caller. */
export const withDefaults = (given: NewAgent): Default & Partial<AgentDetails> => ({
  description: null,
  email: null,
  agentType: 'custom',
  version: '1.0.0',
  capabilities: [],
  deploymentEnv: 'production',
  isPublic: false,
  scopes: ['agents:read'],
  callCap: null,
  ...givenDetails(given),
  name: given.name,
});
