import { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import { hashSecret, newClientSecret } from '../../platform/client-secret.ts';
import type { TenantDatabase } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { admitCredential, checkExpiry } from './admit-credential.ts';

export interface NewCredential {
  credential: Credential;
  /** Shown once: only its keyed hash is stored. */
  clientSecret: string;
}

export interface CredentialRequest {
  agentId: string;
  name?: string | undefined;
  expiresAt?: Date | undefined;
}

/**
 * Creates a client secret for an agent of the tenant. Problems: `not_found`, `agent_decommissioned`,
 * `credential_limit`, `daily_limit`, `validation_failed`, `forbidden` (the caller does not hold all scopes of the
 * agent).
 */
export const createCredential = async (
  deps: { db: TenantDatabase; clock: Clock; peppers: Keyring; config: { BILLING_ENABLED: boolean } },
  principal: Principal,
  { agentId, name, expiresAt }: CredentialRequest,
  origin: Origin,
): Promise<NewCredential> => {
  const { tenantId } = principal;
  const now = deps.clock();
  checkExpiry(expiresAt, now);
  const id = newId('crd', now.getTime());
  const clientSecret = newClientSecret(id);
  const { hash, pepperId } = hashSecret(deps.peppers, clientSecret);
  return deps.db.withTenant(tenantId, async (trx) => {
    await admitCredential(trx, deps, principal, { agentId, now });
    const credential = await Credential.query(trx).insert({
      tenantId,
      id,
      agentId,
      kind: 'secret',
      name: name ?? null,
      thumbprint: null,
      secretHash: hash,
      pepperId,
      generation: 0,
      previousUntil: null,
      createdAt: now,
      expiresAt: expiresAt ?? null,
      lastUsedAt: null,
      revokedAt: null,
    });
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialId: id };
    await appendAudit(trx, succeeded(act, { action: 'credential.generated', agentId, metadata }));
    return { credential, clientSecret };
  });
};
