import type { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import { hashSecret, newClientSecret } from '../../platform/client-secret.ts';
import type { TenantDatabase } from '../../platform/database.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { checkMayIssueCredential } from '../authority/authority.ts';
import type { NewCredential } from './create-credential.ts';
import { findCredential, overlapEnded, type CredentialName } from './find-credential.ts';
import { lockLivingAgent } from './lock-agent.ts';

const checkLive = ({ revokedAt, expiresAt }: Credential, now: Date): void => {
  if (!revokedAt && (!expiresAt || expiresAt > now)) return;
  throw new Problem('credential_ended', 'This credential is revoked or expired. Create a new one.');
};

/** The previous secret, during the overlap. */
const overlapOf = ({ secretHash, pepperId }: Credential, now: Date, seconds: number): Partial<Credential> =>
  seconds === 0
    ? overlapEnded
    : {
        previousHash: secretHash,
        previousPepperId: pepperId,
        previousUntil: new Date(now.getTime() + seconds * 1_000),
      };

/**
 * Creates a new secret for a credential. The current one keeps working during the overlap. An older one stops working.
 * Problems: `not_found`, `agent_decommissioned`, `credential_ended`, `forbidden`.
 */
export const rotateCredential = async (
  { db, clock, peppers }: { db: TenantDatabase; clock: Clock; peppers: Keyring },
  principal: Principal,
  { agentId, credentialId, overlapSeconds }: CredentialName & { overlapSeconds: number },
  origin: Origin,
): Promise<NewCredential> => {
  const { tenantId } = principal;
  const now = clock();
  return db.withTenant(tenantId, async (trx) => {
    const agent = await lockLivingAgent(trx, principal, agentId);
    const credential = await findCredential(trx, tenantId, { agentId, credentialId });
    await checkMayIssueCredential(trx, principal, { agent, now });
    checkLive(credential, now);
    const clientSecret = newClientSecret(credentialId);
    const { hash, pepperId } = hashSecret(peppers, clientSecret);
    await credential.$query(trx).patch({
      ...overlapOf(credential, now, overlapSeconds),
      secretHash: hash,
      pepperId,
      generation: credential.generation + 1,
    });
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialId, overlapSeconds };
    await appendAudit(trx, succeeded(act, { action: 'credential.rotated', agentId, metadata }));
    return { credential, clientSecret };
  });
};
