import type { Agent } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { changeWords, type Done } from '#lib/agents/change-words.ts';
import { apiFor } from './api.ts';
import { submit, toPage } from './failures.ts';
import { readableEmail } from './readable-email.ts';

/** A request for a page of the agent `agentId`. */
export type AgentEvent = RequestEvent<{ agentId: string }>;

export interface ShownAgent {
  agent: Agent;
  /** For `If-Match`, so that a change of this agent does not overwrite another one. */
  etag: string;
}

/** The agent of the page. An unknown agent or another tenant's is the page's 404. */
export const loadAgent = async (event: AgentEvent): Promise<ShownAgent> => {
  let etag = '';
  const api = apiFor(event, ({ headers }) => {
    etag = headers.get('etag') ?? '';
  });
  const agent = await api.agents.get(event.params.agentId).catch(toPage(event));
  return { agent: { ...agent, email: agent.email && readableEmail(agent.email) }, etag };
};

/** Waits for a change of the agent and says so on a tab of its page. */
export const changeAgent = <Values extends Record<string, string> = Record<never, never>>(
  event: AgentEvent,
  change: Promise<unknown>,
  to: `${'' | '/credentials'}?done=${Done}`,
  form: { values?: Values; fields?: readonly string[] } = {},
) => submit(event, change, `/agents/${event.params.agentId}${to}`, { ...form, byCode: changeWords });

/** The agent with a page of its credentials, as of now. `once` makes one change of each form, even if it is sent twice. */
export const loadCredentials = async (event: AgentEvent) => {
  const cursor = event.url.searchParams.get('cursor') ?? undefined;
  const [shown, { data, nextCursor }] = await Promise.all([
    loadAgent(event),
    apiFor(event).credentials.list(event.params.agentId, { cursor, limit: 100 }).catch(toPage(event)),
  ]);
  return {
    ...shown,
    credentials: data,
    nextCursor,
    asOf: new Date().toISOString(),
    once: crypto.randomUUID(),
  };
};
