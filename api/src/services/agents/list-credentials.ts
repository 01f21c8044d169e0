import { Credential } from '../../models/credential.ts';
import type { Database } from '../../platform/database.ts';
import { findAgent } from './get-agent.ts';
import { decodeCursor, toPage, type Page, type PageRequest } from '../../platform/page.ts';

/** The credentials of an agent, including expired and revoked ones, newest first. Problem: `not_found`. */
export const listCredentials = async (
  db: Database,
  tenantId: string,
  { agentId, limit, cursor }: PageRequest & { agentId: string },
): Promise<Page<Credential>> => {
  const before = cursor === undefined ? undefined : decodeCursor('crd', cursor);
  const found = await db.withTenant(tenantId, async (trx) => {
    await findAgent(trx, tenantId, agentId);
    const query = Credential.query(trx)
      .where({ tenant_id: tenantId, agent_id: agentId })
      .orderBy('id', 'desc')
      .limit(limit + 1);
    return before === undefined ? query : query.where('id', '<', before);
  });
  return toPage(found, limit);
};
