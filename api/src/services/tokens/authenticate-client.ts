import { credentialOfSecret, secretMatches } from '../../platform/client-secret.ts';
import type { SecretHash } from '../../platform/client-secret.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import { keep } from '../../platform/keep.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Scope } from '../../platform/principal.ts';

/** An agent that has proved itself. */
export interface Client {
  tenantId: string;
  agentId: string;
  credentialId: string;
  scopes: readonly Scope[];
}

interface Found {
  client: Client;
  secret: SecretHash;
  live: boolean;
}

interface Row {
  tenant_id: string;
  secret_hash: Buffer;
  pepper_id: string;
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
  return (
    row && {
      client: { tenantId: row.tenant_id, agentId: clientId, credentialId, scopes: row.scopes },
      secret: { hash: row.secret_hash, pepperId: row.pepper_id },
      live: row.live,
    }
  );
};

/**
 * Checks a client secret. What was found is kept for a second, so a warm request asks the database nothing here; a
 * client suspended meanwhile is refused by the ledger, which looks again.
 */
export const createClientAuthentication = (db: Database, peppers: Keyring): AuthenticateClient => {
  const find = keep(1_000, (clientId: string, credentialId: string) => lookUp(db, clientId, credentialId));
  return async (clientId, secret) => {
    const credentialId = credentialOfSecret(secret);
    if (!credentialId || !isId('agt', clientId)) return undefined;
    const found = await find(clientId, credentialId);
    return found?.live && secretMatches(peppers, secret, found.secret) ? found.client : undefined;
  };
};
