import type { AgentStatus } from './agent-status.ts';

/** Error codes → messages that replace the API's: why an agent or its credentials did not change. */
export const changeWords = {
  forbidden:
    'Only an owner or admin of your tenant can change agents and their credentials. Ask one of them.',
  precondition_failed:
    'Someone else changed this agent after you opened the form, so your changes are not saved yet.',
  agent_decommissioned: 'This agent was decommissioned in the meantime, so it cannot be changed.',
} as const;

/** What the page says after a change. */
const doneWords = {
  saved: 'The changes are saved.',
  scopes: 'The scopes are saved. New tokens of the agent have them.',
  grants: 'The grants are saved.',
  cap: 'The change of the cap is saved. It applies within a second.',
  suspended:
    'The agent is suspended. It gets no new tokens, and its current tokens stop working within a second.',
  reactivated: 'The agent is active again. It can get new tokens with the same credentials.',
  decommissioned: 'The agent is decommissioned, and its credentials are revoked.',
  'key-added': 'The public key is added. The agent can authenticate with it now.',
  revoked: 'The credential is revoked. Tokens that were issued with it stop working within a second.',
  'overlap-ended': 'The old secret no longer works. Only the new one does.',
} as const;

export type Done = keyof typeof doneWords;

/** A change of the status is only reported while the agent has it. */
const statusOf: Partial<Record<Done, AgentStatus>> = {
  suspended: 'suspended',
  reactivated: 'active',
  decommissioned: 'decommissioned',
};

export const wordsFor = (done: string | null, status: AgentStatus): string | undefined => {
  if (done === null || !Object.hasOwn(doneWords, done)) return undefined;
  const expected = statusOf[done as Done];
  return expected === undefined || expected === status ? doneWords[done as Done] : undefined;
};
