import { Agent } from '../../models/agent.ts';
import type { Database } from '../../platform/database.ts';
import { notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';
import { withGrantsOf } from './with-grants.ts';
import type { GrantedAgent } from './with-grants.ts';

/** One agent of the tenant. Problem: `not_found`, also for agents of other tenants. */
export const getAgent = async (db: Database, tenantId: string, agentId: string): Promise<GrantedAgent> => {
  requireId('agt', agentId);
  return db.withTenant(tenantId, async (trx) => {
    const agent = await Agent.query(trx).findOne({ tenant_id: tenantId, id: agentId });
    if (!agent) throw notFound();
    return withGrantsOf(trx, agent);
  });
};
