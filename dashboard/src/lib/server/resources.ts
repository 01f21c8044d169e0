import type { Agent, Resource } from '@sentryagent/sdk';
import { error, redirect } from '@sveltejs/kit';
import type { RequestEvent } from '@sveltejs/kit';
import { resourceWords } from '#lib/resources/resource-words.ts';
import { apiFor } from './api.ts';
import { failForm, failPage } from './failures.ts';
import { readForm } from './read-form.ts';

/** The most agents that a page lists. */
const MAX_AGENTS = 100;

export const loadResources = async (event: RequestEvent): Promise<{ resources: Resource[] }> => {
  try {
    return { resources: (await apiFor(event).resources.list()).data };
  } catch (failure) {
    return failPage(event, failure);
  }
};

export interface ResourcePage {
  resource: Resource;
  /** The agents with grants for it, newest first. */
  holders: Agent[];
  /** Whether there are more. */
  hasMore: boolean;
  /** The tenant's other agents that can be granted its scopes. */
  others: Agent[];
}

export const loadResource = async (event: RequestEvent): Promise<ResourcePage> => {
  const { resourceId = '' } = event.params;
  const api = apiFor(event);
  const [{ resources }, found, living] = await Promise.all([
    loadResources(event),
    api.agents.list({ resourceId, limit: MAX_AGENTS }),
    api.agents.list({ limit: MAX_AGENTS }),
  ]).catch((failure: unknown) => failPage(event, failure));
  const resource = resources.find((one) => one.resourceId === resourceId);
  if (!resource) error(404);
  const holding = new Set(found.data.map(({ agentId }) => agentId));
  const others = living.data.filter(
    ({ agentId, status }) => status !== 'decommissioned' && !holding.has(agentId),
  );
  return { resource, holders: found.data, hasMore: found.nextCursor !== null, others };
};

export const createResource = async (event: RequestEvent) => {
  const form = await readForm(event.request, ['identifier', 'scopes', 'tokenTtlSeconds']);
  let resourceId: string;
  try {
    ({ resourceId } = await apiFor(event).resources.create({
      identifier: form.identifier.trim(),
      scopes: form.scopes.split(/[\s,]+/).filter((scope) => scope !== ''),
      // Text that is no number is `null` in JSON, which the API refuses in words.
      tokenTtlSeconds: Number(form.tokenTtlSeconds),
    }));
  } catch (failure) {
    return failForm(event, failure, form, ['identifier', 'scopes', 'tokenTtlSeconds'], resourceWords);
  }
  redirect(303, `/resources/${resourceId}`);
};

export const removeResource = async (event: RequestEvent) => {
  try {
    await apiFor(event).resources.delete(event.params.resourceId ?? '');
  } catch (failure) {
    return failForm(event, failure, {}, [], resourceWords);
  }
  redirect(303, '/resources');
};
