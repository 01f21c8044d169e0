import { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { checkMayRestrict } from '../authority/authority.ts';
import { lockAgent } from './lock-agent.ts';
import { revoked } from './revoke-credential.ts';

/**
 * Decommissions an agent permanently and revokes its credentials. It stays readable, and its name becomes free. A
 * second call changes nothing. Problems: `not_found`, `forbidden` (the agent has more scopes than the caller).
 */
export const decommissionAgent = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  agentId: string,
  origin: Origin,
): Promise<void> => {
  const { tenantId } = principal;
  const now = clock();
  await db.withTenant(tenantId, async (trx) => {
    const agent = await lockAgent(trx, principal, agentId);
    if (agent.status === 'decommissioned') return;
    await checkMayRestrict(trx, principal, { agent, now });
    await agent.$query(trx).patch({
      status: 'decommissioned',
      isPublic: false,
      revision: agent.revision + 1,
      updatedAt: now,
      decommissionedAt: now,
    });
    const ended = await Credential.query(trx)
      .where({ tenant_id: tenantId, agent_id: agentId })
      .whereNull('revoked_at')
      .patch(revoked(now))
      .returning('id');
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialIds: ended.map(({ id }) => id).sort() };
    await appendAudit(trx, succeeded(act, { action: 'agent.decommissioned', agentId, metadata }));
  });
};
