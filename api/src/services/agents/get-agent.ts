import { Agent } from '../../models/agent.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import { notFound } from '../../platform/problem.ts';
import { readGrantsOf } from '../resource-grants/resource-grants.ts';
import type { GrantedAgent } from './with-grants.ts';

/** One agent of the tenant; another tenant's is not found. */
export const getAgent = async (db: Database, tenantId: string, agentId: string): Promise<GrantedAgent> => {
  // Postgres takes no NUL in a text: what cannot be an id is not asked for.
  if (!isId('agt', agentId)) throw notFound();
  return db.withTenant(tenantId, async (trx) => {
    const agent = await Agent.query(trx).findOne({ tenant_id: tenantId, id: agentId });
    if (!agent) throw notFound();
    return { agent, resourceGrants: await readGrantsOf(trx, agent) };
  });
};
