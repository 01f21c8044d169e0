import type { JsonWebKey } from 'node:crypto';
import { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TenantDatabase } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { parsePublicJwk } from '../../platform/public-jwk.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { admitCredential, checkExpiry } from './admit-credential.ts';

export interface NewKey {
  name?: string | undefined;
  publicKey: JsonWebKey;
  expiresAt?: Date | undefined;
}

/**
 * Adds a public key that the agent authenticates with. The caller could act as the agent with it, so it must hold the
 * agent's scopes. Problems: `validation_failed`, `forbidden`, `not_found`, `agent_decommissioned`, `credential_limit`,
 * `daily_limit`, `key_taken`.
 */
export const addKey = async (
  deps: { db: TenantDatabase; clock: Clock; config: { BILLING_ENABLED: boolean } },
  principal: Principal,
  agentId: string,
  { name, publicKey, expiresAt }: NewKey,
  origin: Origin,
): Promise<Credential> => {
  const { algorithm, jwk, thumbprint } = await parsePublicJwk(publicKey);
  const { tenantId } = principal;
  const now = deps.clock();
  checkExpiry(expiresAt, now);
  return deps.db.withTenant(tenantId, async (trx) => {
    await admitCredential(trx, deps, principal, { agentId, now });
    const credential = await Credential.query(trx).insert({
      tenantId,
      id: newId('crd', now.getTime()),
      agentId,
      name: name ?? null,
      kind: 'key',
      algorithm,
      publicJwk: jwk,
      thumbprint,
      createdAt: now,
      expiresAt: expiresAt ?? null,
    });
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialId: credential.id, kind: 'key', algorithm, thumbprint };
    await appendAudit(trx, succeeded(act, { action: 'credential.generated', agentId, metadata }));
    return credential;
  });
};
