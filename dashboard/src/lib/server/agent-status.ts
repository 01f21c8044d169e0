import type { Client } from '@sentryagent/sdk';
import { fail, redirect } from '@sveltejs/kit';
import { changeWords } from '#lib/agents/change-words.ts';
import type { Done } from '#lib/agents/change-words.ts';
import type { FormProblem } from '#lib/forms/problem.ts';
import { loadAgent } from './agent-page.ts';
import type { AgentEvent } from './agent-page.ts';
import { apiFor } from './api.ts';
import { failForm } from './failures.ts';
import { readForm } from './read-form.ts';

const change = async (event: AgentEvent, act: (agents: Client['agents']) => Promise<unknown>, done: Done) => {
  try {
    await act(apiFor(event).agents);
  } catch (failure) {
    return failForm(event, failure, {}, {}, changeWords);
  }
  redirect(303, `/agents/${event.params.agentId}?done=${done}`);
};

export const suspend = (event: AgentEvent) =>
  change(event, (agents) => agents.suspend(event.params.agentId), 'suspended');

export const reactivate = (event: AgentEvent) =>
  change(event, (agents) => agents.reactivate(event.params.agentId), 'reactivated');

/** Decommissions the agent if the form has its name, as it is stored now. */
export const decommission = async (event: AgentEvent) => {
  const { typedName } = await readForm(event.request, ['typedName']);
  const { agent } = await loadAgent(event);
  if (typedName.trim() !== agent.name) {
    const message = `This is not the agent’s name. Type ${agent.name} to decommission it.`;
    const problem: FormProblem = { message, fields: { typedName: message } };
    return fail(400, { problem, values: { typedName } });
  }
  return change(event, (agents) => agents.decommission(agent.agentId), 'decommissioned');
};
