import { raw, type QueryBuilder } from 'objection';
import type { Agent } from '../../models/agent.ts';
import { isId } from '../../platform/ids.ts';
import { decodeValues, encodeValues, invalidCursor } from '../../platform/page.ts';

/** By what agents are sorted. A minus is descending. */
export const agentSorts = [
  '-createdAt',
  'createdAt',
  'name',
  '-name',
  '-lastTokenAt',
  'lastTokenAt',
] as const;
export type AgentSort = (typeof agentSorts)[number];

/** An agent with the value that its list is sorted by, as it was when it was sorted. */
type SortedAgent = Agent & { sortedBy: unknown };

interface Order {
  column: string;
  /** The value in a cursor. */
  toText(value: unknown): string;
  isText(text: string): boolean;
}

const isTime = (text: string): boolean => {
  const ms = Date.parse(text);
  // A year of more than four digits has a sign, which Postgres does not read. Nor has it a year 0.
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text && text.length === 24 && text >= '0001';
};

const NEVER = '-infinity';

/** The id of the last row decides between equal values, so that a page can start after any row. */
const orders: Record<string, Order> = {
  /** Ids sort by time. */
  createdAt: { column: 'id', toText: String, isText: (text) => isId('agt', text) },
  /** As people sort, in every database: the database's own collation may sort by bytes. */
  name: { column: 'name collate "und-x-icu"', toText: String, isText: () => true },
  /** An agent that never got a token is before all others. */
  lastTokenAt: {
    column: `coalesce((
      select last_at from agent_usage u
      where u.tenant_id = agents.tenant_id and u.agent_id = agents.id and u.metric = 'token_issuances'
      order by u.day desc limit 1
    ), '${NEVER}')`,
    toText: (value) => (value instanceof Date ? value.toISOString() : NEVER),
    isText: (text) => text === NEVER || isTime(text),
  },
};

const orderOf = (sort: AgentSort): Order => orders[sort.replace('-', '')]!;

/** The cursor names the sort, because its value makes no sense in another one. */
export const encodeAgentCursor = (sort: AgentSort, agent: Agent): string =>
  encodeValues([sort, orderOf(sort).toText((agent as SortedAgent).sortedBy), agent.id]);

/** The value and the id of the last agent of the previous page. Problem: `validation_failed`. */
const decodeAgentCursor = (sort: AgentSort, cursor: string): string[] => {
  const [of, value, id, ...more] = decodeValues(cursor);
  if (of !== sort && agentSorts.some((other) => other === of))
    throw invalidCursor('is of another sort. Start again without a cursor, or use its sort');
  const isValid =
    of === sort && value !== undefined && id !== undefined && isId('agt', id) && more.length === 0;
  if (!isValid || !orderOf(sort).isText(value)) throw invalidCursor();
  return [value, id];
};

/** Sorts the agents, and starts after the cursor if there is one. Problem: `validation_failed`. */
export const sortAgents = (query: QueryBuilder<Agent>, sort: AgentSort, cursor?: string): void => {
  const { column } = orderOf(sort);
  const isDescending = sort.startsWith('-');
  const direction = isDescending ? 'desc' : 'asc';
  query.select('agents.*', raw(column).as('sortedBy')).orderByRaw(`${column} ${direction}, id ${direction}`);
  if (cursor === undefined) return;
  const comparison = isDescending ? '<' : '>';
  query.whereRaw(`(${column}, id) ${comparison} (?, ?)`, decodeAgentCursor(sort, cursor));
};
