import { ApiError, type Agent, type CallCap, type Scope, type UpdateAgentData } from '@sentryagent/sdk';
import { fail, redirect } from '@sveltejs/kit';
import { changeWords } from '#lib/agents/change-words.ts';
import { noScope } from '#lib/agents/scopes.ts';
import { changeAgent, loadAgent, type AgentEvent } from './agent-page.ts';
import { apiFor } from './api.ts';
import { failForm, type CodeWords } from './failures.ts';
import { readForm } from './read-form.ts';

type Changes = UpdateAgentData['body'];

const fields = [
  ...(['name', 'description', 'email', 'agentType', 'version', 'capabilities'] as const),
  ...(['ownerTeam', 'deploymentEnv', 'isPublic', 'etag'] as const),
];

/**
 * Saves the changes, unless the agent has changed since `values.etag`. Then returns the agent as it is now, and its ETag
 * for the form: sent again, the form replaces what it has shown.
 */
export const saveAgent = async <Values extends Record<string, string | string[]>>(
  event: AgentEvent,
  changes: Changes,
  values: Values & { etag: string },
  words: CodeWords = changeWords,
) => {
  try {
    await apiFor(event).agents.update(event.params.agentId, changes, { ifMatch: values.etag });
    return null;
  } catch (failure) {
    const { status, data } = failForm(event, failure, values, fields, words);
    const isOutdated = failure instanceof ApiError && failure.code === 'precondition_failed';
    const now = isOutdated ? await loadAgent(event) : undefined;
    const current: Agent | undefined = now?.agent;
    return fail(status, { ...data, values: { ...values, etag: now?.etag ?? values.etag }, current });
  }
};

const capFields = ['callCap.max', 'callCap.mode'] as const;

/** Saves the cap. No number is no cap. */
export const changeCap = async (event: AgentEvent) => {
  const values = await readForm(event.request, capFields);
  const max = values['callCap.max'].replaceAll(/[\s,]/g, '');
  const mode = values['callCap.mode'] as CallCap['mode'];
  const callCap = max === '' ? null : { max: Number(max), mode };
  const change = apiFor(event).agents.update(event.params.agentId, { callCap });
  return changeAgent(event, change, '?done=cap', { values, fields: capFields });
};

const orNull = (text: string): string | null => text.trim() || null;

/** Saves all fields of the form. The API rejects an unknown type or environment. */
export const editAgent = async (event: AgentEvent) => {
  const values = await readForm(event.request, fields);
  const refused = await saveAgent(
    event,
    {
      name: values.name.trim(),
      description: orNull(values.description),
      email: orNull(values.email),
      agentType: values.agentType as Agent['agentType'],
      version: values.version.trim(),
      capabilities: values.capabilities.split(/[\s,]+/).filter(Boolean),
      ownerTeam: orNull(values.ownerTeam),
      deploymentEnv: values.deploymentEnv as Agent['deploymentEnv'],
      isPublic: values.isPublic === 'on',
    },
    values,
  );
  return refused ?? redirect(303, `/agents/${event.params.agentId}?done=saved`);
};

/** Saves the scopes that the form has selected. */
export const changeScopes = async (event: AgentEvent) => {
  const values = await readForm(event.request, ['etag'], ['scopes']);
  if (values.scopes.length === 0) return fail(400, { problem: noScope, values, current: undefined });
  // The API rejects unknown scopes.
  const refused = await saveAgent(event, { scopes: values.scopes as Scope[] }, values);
  return refused ?? redirect(303, `/agents/${event.params.agentId}/scopes?done=scopes`);
};
