import { ApiError, type Agent } from '@sentryagent/sdk';
import { redirect, type RequestEvent } from '@sveltejs/kit';
import { isNarrowed, listPath, readListState, toQuery, type ListState } from '#lib/agents/list-state.ts';
import { apiFor } from './api.ts';
import { failPage } from './failures.ts';

interface Found {
  agents: Agent[];
  nextCursor: string | null;
}

/**
 * A cursor that the API refuses (of another sort, or cut off) leads to the first page. A search that it refuses has
 * characters that no name has.
 */
const find = async (event: RequestEvent, state: ListState): Promise<Found> => {
  try {
    const { data, nextCursor } = await apiFor(event).agents.list(toQuery(state));
    return { agents: data, nextCursor };
  } catch (failure) {
    if (!(failure instanceof ApiError) || failure.code !== 'validation_failed')
      return failPage(event, failure);
    if (state.cursor !== '') redirect(303, `/${listPath({ ...state, cursor: '' })}`);
    return { agents: [], nextCursor: null };
  }
};

/** Whether the tenant has ever registered an agent. */
const hasAgents = async (event: RequestEvent): Promise<boolean> =>
  (await find(event, { ...readListState(new URLSearchParams()), status: 'all' })).agents.length > 0;

/** The page of agents that the URL asks for. */
export const loadAgents = async (event: RequestEvent) => {
  const state = readListState(event.url.searchParams);
  const { agents, nextCursor } = await find(event, state);
  const isEmpty = agents.length === 0 && !isNarrowed(state);
  const hasSome = !isEmpty || (await hasAgents(event));
  return { state, agents, nextCursor, hasSome, now: new Date().toISOString() };
};
