import { LRUCache } from 'lru-cache';
import { credentialOfSecret, secretMatches, type SecretHash } from '../../platform/client-secret.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Scope } from '../../platform/principal.ts';
import { remember } from '../../platform/remember.ts';
import type { Client } from './client.ts';
import { ClientRefusal, type RefusalReason } from './client-refusal.ts';
import { isLive, refuseExpired, type Proof } from './proof.ts';

interface Secret extends SecretHash {
  generation: number;
  /** `null`: expires with its credential. */
  until: Date | null;
}

interface Found extends Proof {
  secrets: Secret[];
}

interface Row {
  tenant_id: string;
  scopes: Scope[];
  enabled: boolean;
  expires_at: Date | null;
  generation: number;
  /** `null` if the credential is a public key. */
  secret_hash: Buffer | null;
  pepper_id: string | null;
  previous_hash: Buffer | null;
  previous_pepper_id: string | null;
  previous_until: Date | null;
}

/**
 * Resolves to the client. Throws a ClientRefusal, the same for an unknown, wrong, revoked or suspended client. Only the
 * holder of the correct secret learns that the credential has expired.
 */
export type AuthenticateSecret = (clientId: string, secret: string) => Promise<Client>;

const refuse = (reason: RefusalReason, credentialId?: string): ClientRefusal =>
  new ClientRefusal(
    reason,
    'The client id or the client secret is wrong, or the credential is not active. Check both, or create a new credential.',
    credentialId,
  );

const secretsOf = (row: Row): Secret[] => {
  const { generation, secret_hash, pepper_id, previous_hash, previous_pepper_id, previous_until } = row;
  if (!secret_hash || !pepper_id) return [];
  const current = { generation, hash: secret_hash, pepperId: pepper_id, until: null };
  if (!previous_hash || !previous_pepper_id) return [current];
  const previous = {
    generation: generation - 1,
    hash: previous_hash,
    pepperId: previous_pepper_id,
    until: previous_until,
  };
  return [current, previous];
};

const lookUp = async (db: Database, clientId: string, credentialId: string): Promise<Found | undefined> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Row[] }>('select * from find_client(?, ?)', [clientId, credentialId]),
  );
  const [row] = rows;
  return (
    row && {
      client: { tenantId: row.tenant_id, agentId: clientId, credentialId, scopes: row.scopes },
      secrets: secretsOf(row),
      enabled: row.enabled,
      expiresAt: row.expires_at,
    }
  );
};

const prove = (
  { client, secrets, enabled, expiresAt }: Found,
  secret: string,
  peppers: Keyring,
  now: Date,
): Proof | undefined => {
  const live = secrets.filter(({ until }) => until === null || until > now);
  const match = live.find((candidate) => secretMatches(peppers, secret, candidate));
  return match && { client: { ...client, generation: match.generation }, enabled, expiresAt };
};

/**
 * Checks a client secret. Rows are cached for a second, so a warm request needs no query here. The ledger, or
 * `confirmClient`, checks again and refuses a client that was suspended since. The cache can accept a client but never refuse one, so a rotated secret
 * or a reactivated agent works immediately.
 */
export const createSecretAuthentication = (
  db: Database,
  peppers: Keyring,
  clock: Clock,
): AuthenticateSecret => {
  // The cache uses the same clock as the expiry of secrets.
  const perf = { now: () => clock().getTime() };
  const known = new LRUCache<string, Found>({ max: 10_000, ttl: 1_000, perf });
  /** Concurrent requests of a client share one look-up, unless its answer refuses them. */
  const asking = new Map<string, Promise<Found | undefined>>();
  const ask = async (clientId: string, credentialId: string): Promise<Found | undefined> => {
    const found = await lookUp(db, clientId, credentialId);
    if (found) known.set(`${clientId} ${credentialId}`, found);
    return found;
  };
  return async (clientId, secret) => {
    const credentialId = credentialOfSecret(secret);
    if (!credentialId || !isId('agt', clientId)) throw refuse('wrong_secret');
    const id = `${clientId} ${credentialId}`;
    const kept = known.get(id) ?? (await asking.get(id));
    const warm = kept && prove(kept, secret, peppers, clock());
    if (warm && isLive(warm, clock())) return warm.client;
    const found = await remember(asking, id, ask(clientId, credentialId), () => false);
    const proof = found && prove(found, secret, peppers, clock());
    if (!proof) throw refuse('wrong_secret');
    if (!proof.enabled) throw refuse('not_live', credentialId);
    refuseExpired(proof, clock());
    return proof.client;
  };
};
