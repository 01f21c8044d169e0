import { ApiError } from '@sentryagent/sdk';
import type { Agent, NewCredential, Scope } from '@sentryagent/sdk';
import { fail } from '@sveltejs/kit';
import type { RequestEvent } from '@sveltejs/kit';
import { registerWords } from '#lib/agents/register-words.ts';
import type { FormProblem } from '#lib/forms/problem.ts';
import { apiFor } from './api.ts';
import { failForm, failPage, isTemporary } from './failures.ts';
import { readForm } from './read-form.ts';

const chooseOne = 'Select at least one scope.';
const noScope: FormProblem = { message: chooseOne, fields: { scopes: chooseOne } };

/** An agent and its first credential. `null` if the agent was created but the credential was not, and can be later. */
export interface Registered {
  agent: Pick<Agent, 'agentId' | 'name'> & { scopes: readonly string[] };
  credential: Pick<NewCredential, 'clientId' | 'clientSecret'> | null;
}

const addCredential = async (event: RequestEvent, agent: Registered['agent']): Promise<Registered> => {
  try {
    const { clientId, clientSecret } = await apiFor(event).agents.createCredential(agent.agentId);
    return { agent, credential: { clientId, clientSecret } };
  } catch (failure) {
    if (failure instanceof ApiError && isTemporary(failure)) return { agent, credential: null };
    return failPage(event, failure);
  }
};

/** Registers an agent and creates its credential. Only this response contains the secret. */
export const registerAgent = async (event: RequestEvent) => {
  const form = await readForm(event.request, ['name'], ['scopes']);
  const values = { name: form.name.trim(), scopes: form.scopes };
  if (values.scopes.length === 0) return fail(400, { problem: noScope, values });
  try {
    const { agentId } = await apiFor(event).agents.register({
      name: values.name,
      // The API rejects unknown scopes.
      scopes: values.scopes as Scope[],
    });
    return { registered: await addCredential(event, { agentId, ...values }) };
  } catch (failure) {
    return failForm(event, failure, values, ['name', 'scopes'], registerWords);
  }
};

/** Creates a credential for an agent that was registered without one. */
export const completeAgent = async (event: RequestEvent) => {
  const agent = await readForm(event.request, ['agentId', 'name'], ['scopes']);
  return { registered: await addCredential(event, agent) };
};
