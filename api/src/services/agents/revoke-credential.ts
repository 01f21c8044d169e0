import type { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { checkMayRestrict } from '../authority/authority.ts';
import { findCredential, overlapEnded, type CredentialName } from './find-credential.ts';
import { lockAgent } from './lock-agent.ts';

/** The columns that revoke a credential and end its overlap. */
export const revoked = (at: Date): Partial<Credential> => ({ revokedAt: at, ...overlapEnded });

/**
 * Revokes a credential and the tokens that were issued with it. A second call changes nothing. Problems: `not_found`,
 * `forbidden` (its agent has more scopes than the caller).
 */
export const revokeCredential = async (
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
    if (credential.revokedAt) return;
    await credential.$query(trx).patch(revoked(now));
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialId };
    await appendAudit(trx, succeeded(act, { action: 'credential.revoked', agentId, metadata }));
  });
};
