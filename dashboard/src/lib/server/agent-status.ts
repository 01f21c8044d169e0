import { fail } from '@sveltejs/kit';
import { changeAgent, loadAgent, type AgentEvent } from './agent-page.ts';
import { apiFor } from './api.ts';
import { readForm } from './read-form.ts';

export const suspend = (event: AgentEvent) =>
  changeAgent(event, apiFor(event).agents.suspend(event.params.agentId), '?done=suspended');

export const reactivate = (event: AgentEvent) =>
  changeAgent(event, apiFor(event).agents.reactivate(event.params.agentId), '?done=reactivated');

/** Decommissions the agent if the form has its name, as it is stored now. */
export const decommission = async (event: AgentEvent) => {
  const { typedName } = await readForm(event.request, ['typedName']);
  const { agent } = await loadAgent(event);
  if (typedName.trim() !== agent.name) {
    const message = `This is not the agent’s name. Type ${agent.name} to decommission it.`;
    return fail(400, { problem: { message, fields: { typedName: message } }, values: { typedName } });
  }
  return changeAgent(event, apiFor(event).agents.decommission(agent.agentId), '?done=decommissioned');
};
