import { ApiError, type Agent, type NewCredential, type Scope } from '@sentryagent/sdk';
import { fail, type RequestEvent } from '@sveltejs/kit';
import { registerWords } from '#lib/agents/register-words.ts';
import { noScope } from '#lib/agents/scopes.ts';
import { apiFor } from './api.ts';
import { failForm, failPage, isTemporary } from './failures.ts';
import { readForm } from './read-form.ts';

/** An agent and its first credential. `null` if the agent was created but the credential was not, and can be later. */
export interface Registered {
  agent: Pick<Agent, 'agentId' | 'name'> & { scopes: readonly string[] };
  credential: Pick<NewCredential, 'clientId' | 'clientSecret'> | null;
  /** When the credential expires. Empty: never. */
  expiresAt: string;
}

const addCredential = async (
  event: RequestEvent,
  agent: Registered['agent'],
  expiresAt: string,
): Promise<Registered> => {
  try {
    const terms = { expiresAt: expiresAt || undefined };
    const { clientId, clientSecret } = await apiFor(event).agents.createCredential(agent.agentId, terms);
    return { agent, credential: { clientId, clientSecret }, expiresAt };
  } catch (failure) {
    if (failure instanceof ApiError && isTemporary(failure)) return { agent, credential: null, expiresAt };
    return failPage(event, failure);
  }
};

/** Registers an agent and creates its credential. Only this response contains the secret. */
export const registerAgent = async (event: RequestEvent) => {
  const form = await readForm(event.request, ['name', 'deploymentEnv', 'expiresAt'], ['scopes']);
  const values = { ...form, name: form.name.trim() };
  if (values.scopes.length === 0) return fail(400, { problem: noScope, values });
  try {
    const { name, scopes } = values;
    const { agentId } = await apiFor(event).agents.register({
      name,
      // The API rejects unknown scopes and environments.
      scopes: scopes as Scope[],
      deploymentEnv: (values.deploymentEnv || undefined) as Agent['deploymentEnv'] | undefined,
    });
    return { registered: await addCredential(event, { agentId, name, scopes }, values.expiresAt) };
  } catch (failure) {
    return failForm(event, failure, values, ['name', 'scopes', 'deploymentEnv', 'expiresAt'], registerWords);
  }
};

/** Creates a credential for an agent that was registered without one. */
export const completeAgent = async (event: RequestEvent) => {
  const names = ['agentId', 'name', 'expiresAt'] as const;
  const { expiresAt, ...agent } = await readForm(event.request, names, ['scopes']);
  return { registered: await addCredential(event, agent, expiresAt) };
};
