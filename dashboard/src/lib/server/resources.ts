import type { Resource } from '@sentryagent/sdk';
import { error, type RequestEvent } from '@sveltejs/kit';
import { resourceWords } from '#lib/resources/resource-words.ts';
import { apiFor } from './api.ts';
import { submit, toPage } from './failures.ts';
import { readForm } from './read-form.ts';

/** The most agents that a page lists. */
const MAX_AGENTS = 100;

export const loadResources = async (event: RequestEvent): Promise<{ resources: Resource[] }> => {
  const { data } = await apiFor(event).resources.list().catch(toPage(event));
  return { resources: data };
};

/** A resource, the newest agents with grants for it, and the other agents that can be granted its scopes. */
export const loadResource = async (event: RequestEvent) => {
  const { resourceId = '' } = event.params;
  const api = apiFor(event);
  const [{ resources }, found, living] = await Promise.all([
    loadResources(event),
    api.agents.list({ resourceId, limit: MAX_AGENTS }),
    api.agents.list({ limit: MAX_AGENTS }),
  ]).catch(toPage(event));
  const resource = resources.find((one) => one.resourceId === resourceId);
  if (!resource) error(404);
  const holding = new Set(found.data.map(({ agentId }) => agentId));
  const others = living.data.filter(
    ({ agentId, status }) => status !== 'decommissioned' && !holding.has(agentId),
  );
  return { resource, holders: found.data, hasMore: found.nextCursor !== null, others };
};

const fields = ['identifier', 'scopes', 'tokenTtlSeconds'] as const;

export const createResource = async (event: RequestEvent) => {
  const form = await readForm(event.request, fields);
  const created = apiFor(event).resources.create({
    identifier: form.identifier.trim(),
    scopes: form.scopes.split(/[\s,]+/).filter((scope) => scope !== ''),
    // Text that is no number is `null` in JSON, which the API refuses in words.
    tokenTtlSeconds: Number(form.tokenTtlSeconds),
  });
  return submit(event, created, ({ resourceId }) => `/resources/${resourceId}`, {
    values: form,
    fields,
    byCode: resourceWords,
  });
};

export const removeResource = (event: RequestEvent) => {
  const removed = apiFor(event).resources.delete(event.params.resourceId ?? '');
  return submit(event, removed, '/resources', { byCode: resourceWords });
};
