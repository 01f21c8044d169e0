import type { Database, Send } from '../../platform/database.ts';
import type { Client } from './client.ts';
import { ClientRefusal } from './client-refusal.ts';
import { replayed, useAssertions } from './use-assertions.ts';

export const notLive = ({ credentialId }: Client): ClientRefusal =>
  new ClientRefusal(
    'not_live',
    'The agent or its credential is not active. Reactivate the agent, or create a new credential.',
    credentialId,
  );

const isLive = async (send: Send, { credentialId, generation = 0 }: Client): Promise<boolean> => {
  const rows = await send('select from live_proofs($1, $2)', [[credentialId], [generation]]);
  return rows.length === 1;
};

const isFirstUse = async (send: Send, client: Client, requestId: string): Promise<boolean> => {
  const { assertion, tenantId, credentialId } = client;
  if (!assertion) return true;
  const first = await useAssertions(send, [{ ...assertion, tenantId, credentialId, usedBy: requestId }]);
  return first.has(requestId);
};

/**
 * Reads again whether the client can authenticate, because it can come from a cache, and marks its assertion as used.
 * For requests that the ledger does not commit. Throws a ClientRefusal.
 */
export const confirmClient = async (db: Database, client: Client, requestId: string): Promise<Client> => {
  const outcome = await db.pipelined(async (send) => {
    if (!(await isLive(send, client))) return 'not_live';
    return (await isFirstUse(send, client, requestId)) ? 'confirmed' : 'replayed';
  });
  if (outcome === 'replayed') throw replayed(client);
  if (outcome === 'confirmed') return client;
  if (!client.proveAnew) throw notLive(client);
  return confirmClient(db, await client.proveAnew(), requestId);
};
