import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { checkMayRestrict } from '../authority/authority.ts';
import { findCredential, overlapEnded, type CredentialName } from './find-credential.ts';
import { lockAgent } from './lock-agent.ts';

/**
 * Ends the overlap of the last rotation, so the previous secret stops working. Without an overlap, it changes nothing.
 * Problems: `not_found`, `forbidden`.
 */
export const endOverlap = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  { agentId, credentialId }: CredentialName,
  origin: Origin,
): Promise<void> => {
  const { tenantId } = principal;
  const now = clock();
  await db.withTenant(tenantId, async (trx) => {
    const agent = await lockAgent(trx, principal, agentId);
    const credential = await findCredential(trx, tenantId, { agentId, credentialId });
    await checkMayRestrict(trx, principal, { agent, now });
    if (!credential.previousUntil || credential.previousUntil <= now) return;
    await credential.$query(trx).patch(overlapEnded);
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialId, secret: 'previous' };
    await appendAudit(trx, succeeded(act, { action: 'credential.revoked', agentId, metadata }));
  });
};
