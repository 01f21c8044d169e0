import type { QueryBuilder } from 'objection';
import type { Agent } from '../../models/agent.ts';
import { isId } from '../../platform/ids.ts';
import { decodeValues, encodeValues, invalidCursor } from '../../platform/page.ts';

/** By what agents are sorted. A minus is descending. */
export const agentSorts = ['-createdAt', 'createdAt', 'name', '-name'] as const;
export type AgentSort = (typeof agentSorts)[number];

interface Order {
  /** The last one is unique, so that a page can start after any row. */
  columns: readonly string[];
  valuesOf(agent: Agent): string[];
}

const orders = {
  /** Ids sort by time. */
  createdAt: { columns: ['id'], valuesOf: ({ id }) => [id] },
  /** As people sort, in every database: the database's own collation may sort by bytes. */
  name: { columns: ['name collate "und-x-icu"', 'id'], valuesOf: ({ name, id }) => [name, id] },
} satisfies Record<string, Order>;

const orderOf = (sort: AgentSort): { order: Order; isDescending: boolean } => ({
  order: orders[sort.replace('-', '') as keyof typeof orders],
  isDescending: sort.startsWith('-'),
});

/** The cursor names the sort, because its values make no sense in another one. */
export const encodeAgentCursor = (sort: AgentSort, agent: Agent): string =>
  encodeValues([sort, ...orderOf(sort).order.valuesOf(agent)]);

/** The values of the last agent of the previous page. Problem: `validation_failed`. */
const decodeAgentCursor = (sort: AgentSort, cursor: string): string[] => {
  const [of, ...values] = decodeValues(cursor);
  if (of !== sort && agentSorts.some((other) => other === of))
    throw invalidCursor('The cursor is of another sort. Start again without a cursor, or use its sort.');
  if (of !== sort || values.length !== orderOf(sort).order.columns.length || !isId('agt', values.at(-1)!))
    throw invalidCursor();
  return values;
};

/** Sorts the agents, and starts after the cursor if there is one. Problem: `validation_failed`. */
export const sortAgents = (query: QueryBuilder<Agent>, sort: AgentSort, cursor?: string): void => {
  const { order, isDescending } = orderOf(sort);
  const { columns } = order;
  const direction = isDescending ? 'desc' : 'asc';
  query.orderByRaw(columns.map((column) => `${column} ${direction}`).join(', '));
  if (cursor === undefined) return;
  const values = decodeAgentCursor(sort, cursor);
  const places = values.map(() => '?').join(', ');
  query.whereRaw(`(${columns.join(', ')}) ${isDescending ? '<' : '>'} (${places})`, values);
};
