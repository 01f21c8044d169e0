import type { Database } from '../../platform/database.ts';
import type { AssertionUse, Client } from './client.ts';
import { ClientRefusal } from './client-refusal.ts';

export const notLive = ({ credentialId }: Client): ClientRefusal =>
  new ClientRefusal(
    'not_live',
    'The agent or its credential is not active. Reactivate the agent, or create a new credential.',
    credentialId,
  );

export const replayed = ({ credentialId }: Client): ClientRefusal =>
  new ClientRefusal(
    'replayed',
    'This assertion was already used. Sign a new one with another jti.',
    credentialId,
  );

const isLive = async (db: Database, { credentialId, generation = 0 }: Client): Promise<boolean> => {
  const rows = await db.runAlone({
    name: 'live_proofs',
    text: 'select from live_proofs($1, $2)',
    values: [[credentialId], [generation]],
  });
  return rows.length === 1;
};

/** Marks the assertion as used. */
const isFirstUse = async (
  db: Database,
  { tenantId, credentialId }: Client,
  { jti, expiresAt }: AssertionUse,
  usedBy: string,
): Promise<boolean> => {
  const use = {
    tenant_id: tenantId,
    credential_id: credentialId,
    jti,
    used_by: usedBy,
    expires_at: expiresAt,
  };
  const rows = await db.runAlone({
    name: 'use_assertions',
    text: 'select from use_assertions($1)',
    values: [JSON.stringify([use])],
  });
  return rows.length === 1;
};

/**
 * Reads again whether the client can authenticate, because it can come from a cache, and marks its assertion as used.
 * For requests that the ledger does not commit. Throws a ClientRefusal.
 */
export const confirmClient = async (db: Database, client: Client, requestId: string): Promise<Client> => {
  if (!(await isLive(db, client))) {
    if (!client.proveAnew) throw notLive(client);
    return confirmClient(db, await client.proveAnew(), requestId);
  }
  const { assertion } = client;
  if (assertion && !(await isFirstUse(db, client, assertion, requestId))) throw replayed(client);
  return client;
};
