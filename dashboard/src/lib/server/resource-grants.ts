import type { Agent, Resource } from '@sentryagent/sdk';
import { fail, type RequestEvent } from '@sveltejs/kit';
import { grantOf, resourceWords } from '#lib/resources/resource-words.ts';
import { apiFor } from './api.ts';
import { failForm, toPage } from './failures.ts';
import { readForm } from './read-form.ts';

const agentIdOf = ({ params }: RequestEvent): string => params.agentId ?? '';

export const loadGrants = async (event: RequestEvent): Promise<{ agent: Agent; resources: Resource[] }> => {
  const api = apiFor(event);
  const found = Promise.all([api.agents.get(agentIdOf(event)), api.resources.list()]);
  const [agent, { data }] = await found.catch(toPage(event));
  return { agent, resources: data };
};

const MISSING = 'A resource or scope of this form no longer exists. Reload the page and select again.';

/** Replaces what the agent is granted of all resources. Nothing else of the agent changes. */
export const saveGrants = async (event: RequestEvent) => {
  const { grants } = await readForm(event.request, [], ['grants']);
  const api = apiFor(event);
  try {
    const { data } = await api.resources.list();
    const resourceGrants = data
      .map(({ resourceId, identifier, scopes }) => ({
        resource: identifier,
        scopes: scopes.filter((scope) => grants.includes(grantOf(resourceId, scope))),
      }))
      .filter(({ scopes }) => scopes.length > 0);
    const found = resourceGrants.reduce((count, { scopes }) => count + scopes.length, 0);
    if (found < new Set(grants).size) {
      return fail(409, { problem: { message: MISSING, fields: {} }, values: { grants } });
    }
    await api.agents.update(agentIdOf(event), { resourceGrants });
  } catch (failure) {
    return failForm(event, failure, { grants }, [], resourceWords);
  }
  return { saved: true as const };
};
