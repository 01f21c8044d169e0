import { Agent } from '../../models/agent.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import { Problem } from '../../platform/problem.ts';

export interface AgentPage {
  agents: Agent[];
  /** Opaque: hand it back to get the next page; `null` at the end. */
  nextCursor: string | null;
}

const encodeCursor = (id: string): string => Buffer.from(id).toString('base64url');

const decodeCursor = (cursor: string): string => {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isId('agt', id))
    throw new Problem('validation_failed', 'The cursor is not one of ours. Start without it.');
  return id;
};

/** The tenant's agents, newest first: ids sort by time. */
export const listAgents = async (
  db: Database,
  tenantId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<AgentPage> => {
  const before = cursor === undefined ? undefined : decodeCursor(cursor);
  const found = await db.withTenant(tenantId, (trx) => {
    const query = Agent.query(trx)
      .where('tenant_id', tenantId)
      .orderBy('id', 'desc')
      .limit(limit + 1);
    return before === undefined ? query : query.where('id', '<', before);
  });
  const agents = found.slice(0, limit);
  const last = agents.at(-1);
  return { agents, nextCursor: found.length > limit && last ? encodeCursor(last.id) : null };
};
