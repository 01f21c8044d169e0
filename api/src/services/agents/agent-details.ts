import type { Agent } from '../../models/agent.ts';

/** What its owner says of an agent; everything else of it is the server's. */
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
>;

/** As a request gives them: what is left out is `undefined`. */
export type AgentChanges = { [Key in keyof AgentDetails]?: AgentDetails[Key] | undefined };

export type NewAgent = AgentChanges & { name: string };

/** The details that are given, as a row holds them. */
export const givenDetails = (given: AgentChanges): Partial<AgentDetails> => {
  const details = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const list of ['scopes', 'capabilities'] as const) {
    const values = given[list];
    if (values) details[list] = [...new Set<string>(values)];
  }
  return details;
};

type Default = Omit<AgentDetails, 'owner' | 'ownerTeam'>;

/** A new agent needs only its name; who owns it by default depends on who asks. */
export const withDefaults = (given: NewAgent): Default & Partial<AgentDetails> => ({
  description: null,
  email: null,
  agentType: 'custom',
  version: '1.0.0',
  capabilities: [],
  deploymentEnv: 'production',
  isPublic: false,
  scopes: ['agents:read'],
  ...givenDetails(given),
  name: given.name,
});
