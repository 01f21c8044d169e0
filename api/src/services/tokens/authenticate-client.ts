import { LRUCache } from 'lru-cache';
import { credentialOfSecret, secretMatches } from '../../platform/client-secret.ts';
import type { SecretHash } from '../../platform/client-secret.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Scope } from '../../platform/principal.ts';

/** An agent that has proved itself. */
export interface Client {
  tenantId: string;
  agentId: string;
  credentialId: string;
  scopes: readonly Scope[];
  /** What it proved itself with, where that may be used only once. */
  assertion?: AssertionUse;
}

/** Kept until the assertion has expired, so that nobody uses it again. */
export interface AssertionUse {
  jti: string;
  expiresAt: Date;
}

interface Found {
  client: Client;
  secret: SecretHash;
  live: boolean;
}

interface Row {
  tenant_id: string;
  /** Null where the credential is a public key. */
  secret_hash: Buffer | null;
  pepper_id: string | null;
  scopes: Scope[];
  live: boolean;
}

/** Resolves to the client, or to `undefined` for an unknown, wrong, revoked or suspended one: all the same. */
export type AuthenticateClient = (clientId: string, secret: string) => Promise<Client | undefined>;

const lookUp = async (db: Database, clientId: string, credentialId: string): Promise<Found | undefined> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Row[] }>('select * from find_client(?, ?)', [clientId, credentialId]),
  );
  const [row] = rows;
  if (!row?.secret_hash || !row.pepper_id) return undefined;
  return {
    client: { tenantId: row.tenant_id, agentId: clientId, credentialId, scopes: row.scopes },
    secret: { hash: row.secret_hash, pepperId: row.pepper_id },
    live: row.live,
  };
};

/**
 * Checks a client secret. What was found is kept for a second, so a warm request asks the database nothing here; a
 * client suspended meanwhile is refused by the ledger, which looks again.
 */
export const createClientAuthentication = (db: Database, peppers: Keyring): AuthenticateClient => {
  const known = new LRUCache<string, Found>({ max: 10_000, ttl: 1_000 });
  return async (clientId, secret) => {
    const credentialId = credentialOfSecret(secret);
    if (!credentialId || !isId('agt', clientId)) return undefined;
    const id = `${clientId} ${credentialId}`;
    let found = known.get(id);
    if (!found) {
      found = await lookUp(db, clientId, credentialId);
      if (!found) return undefined;
      known.set(id, found);
    }
    return found.live && secretMatches(peppers, secret, found.secret) ? found.client : undefined;
  };
};
