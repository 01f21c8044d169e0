import { ApiError } from '@sentryagent/sdk';
import type { Agent, NewCredential } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { failForm, failPage } from './failures.ts';
import { readForm } from './read-form.ts';

const subjects = { name: 'The name' };

/** An agent and its first credential; `null` where only the agent could be made. */
export interface Registered {
  agent: Pick<Agent, 'agentId' | 'name'>;
  credential: Pick<NewCredential, 'clientId' | 'clientSecret'> | null;
}

const addCredential = async (event: RequestEvent, agent: Registered['agent']): Promise<Registered> => {
  try {
    const { clientId, clientSecret } = await apiFor(event).agents.createCredential(agent.agentId);
    return { agent, credential: { clientId, clientSecret } };
  } catch (failure) {
    if (!(failure instanceof ApiError) || failure.status === 401) return failPage(event, failure);
    return { agent, credential: null };
  }
};

/** Registers an agent and makes its credential. The secret is in this answer and nowhere else. */
export const registerAgent = async (event: RequestEvent) => {
  const form = await readForm(event.request, ['name']);
  const name = form.name.trim();
  try {
    const { agentId } = await apiFor(event).agents.register({ name });
    return { registered: await addCredential(event, { agentId, name }) };
  } catch (failure) {
    return failForm(event, failure, { name }, subjects);
  }
};

/** Makes the credential of an agent that was registered without one. */
export const completeAgent = async (event: RequestEvent) => {
  const agent = await readForm(event.request, ['agentId', 'name']);
  return { registered: await addCredential(event, agent) };
};
