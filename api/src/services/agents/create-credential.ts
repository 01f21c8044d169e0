import { Agent } from '../../models/agent.ts';
import { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import { hashSecret, newClientSecret } from '../../platform/client-secret.ts';
import type { Database } from '../../platform/database.ts';
import { isId, newId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { notFound } from '../../platform/problem.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';

export interface NewCredential {
  credential: Credential;
  /** Shown once: only its keyed hash is kept. */
  clientSecret: string;
}

/** Makes a client secret for an agent of the tenant. Problem: `not_found`. */
export const createCredential = async (
  { db, clock, peppers }: { db: Database; clock: Clock; peppers: Keyring },
  principal: Principal,
  agentId: string,
  origin: Origin,
): Promise<NewCredential> => {
  if (!isId('agt', agentId)) throw notFound();
  const { tenantId } = principal;
  const now = clock();
  const id = newId('crd', now.getTime());
  const clientSecret = newClientSecret(id);
  const { hash, pepperId } = hashSecret(peppers, clientSecret);
  return db.withTenant(tenantId, async (trx) => {
    const agent = await Agent.query(trx)
      .findOne({ tenant_id: tenantId, id: agentId, status: 'active' })
      .forShare();
    if (!agent) throw notFound();
    const credential = await Credential.query(trx).insert({
      tenantId,
      id,
      agentId,
      secretHash: hash,
      pepperId,
      createdAt: now,
    });
    const act = { actor: principal, origin, at: now };
    const metadata = { credentialId: id };
    await appendAudit(trx, succeeded(act, { action: 'credential.generated', agentId, metadata }));
    return { credential, clientSecret };
  });
};
