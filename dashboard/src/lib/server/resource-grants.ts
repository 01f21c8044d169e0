import { redirect } from '@sveltejs/kit';
import { changeWords } from '#lib/agents/change-words.ts';
import { toGrants } from '#lib/resources/grants.ts';
import { loadAgent, type AgentEvent } from './agent-page.ts';
import { apiFor } from './api.ts';
import { saveAgent } from './edit-agent.ts';
import { toPage } from './failures.ts';
import { readForm } from './read-form.ts';

export const loadGrants = async (event: AgentEvent) => {
  const found = Promise.all([loadAgent(event), apiFor(event).resources.list().catch(toPage(event))]);
  const [shown, { data }] = await found;
  return { ...shown, resources: data };
};

const words = {
  ...changeWords,
  validation_failed: 'A resource or scope of this form no longer exists. Reload the page and select again.',
};

/** Replaces what the agent is granted of all resources. Nothing else of the agent changes. */
export const saveGrants = async (event: AgentEvent) => {
  const values = await readForm(event.request, ['etag'], ['grants']);
  const refused = await saveAgent(event, { resourceGrants: toGrants(values.grants) }, values, words);
  return refused ?? redirect(303, `/agents/${event.params.agentId}/grants?done=grants`);
};
