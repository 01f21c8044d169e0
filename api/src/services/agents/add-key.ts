import type { JsonWebKey } from 'node:crypto';
import { Agent } from '../../models/agent.ts';
import { Credential } from '../../models/credential.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { isId, newId } from '../../platform/ids.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { Problem, notFound } from '../../platform/problem.ts';
import { parsePublicJwk } from '../../platform/public-jwk.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';

export interface NewKey {
  publicKey: JsonWebKey;
  expiresAt?: Date | undefined;
}

const MAX_LIVE = 10;

/** The agent's row is locked, so parallel requests are counted one after another. */
const lockAgent = async (
  trx: Transaction,
  { tenantId, scopes }: Principal,
  agentId: string,
): Promise<void> => {
  const agent = await Agent.query(trx)
    .findOne({ tenant_id: tenantId, id: agentId, status: 'active' })
    .forUpdate();
  if (!agent) throw notFound();
  const extra = agent.scopes.filter((scope) => !scopes.includes(scope));
  if (extra.length) {
    throw new Problem('forbidden', `This agent may do what you may not: ${extra.join(' ')}.`);
  }
};

const checkRoom = async (trx: Transaction, tenantId: string, agentId: string, now: Date): Promise<void> => {
  const live = await Credential.query(trx)
    .where({ tenant_id: tenantId, agent_id: agentId, revoked_at: null })
    .where((either) => either.whereNull('expires_at').orWhere('expires_at', '>', now))
    .resultSize();
  if (live >= MAX_LIVE) {
    throw new Problem(
      'credential_limit',
      `An agent has at most ${MAX_LIVE} live credentials. Revoke one first.`,
    );
  }
};

/**
 * Adds a public key that the agent proves itself with. Who adds one could act as the agent, so must hold its scopes.
 * Problems: `validation_failed`, `forbidden`, `not_found`, `credential_limit`, `key_taken`.
 */
export const addKey = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  agentId: string,
  { publicKey, expiresAt }: NewKey,
  origin: Origin,
): Promise<Credential> => {
  if (!isId('agt', agentId)) throw notFound();
  const { algorithm, jwk, thumbprint } = await parsePublicJwk(publicKey);
  const { tenantId } = principal;
  const now = clock();
  return db.withTenant(tenantId, async (trx) => {
    await lockAgent(trx, principal, agentId);
    await checkRoom(trx, tenantId, agentId, now);
    const credential = await Credential.query(trx).insert({
      tenantId,
      id: newId('crd', now.getTime()),
      agentId,
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
