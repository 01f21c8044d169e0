import { Credential } from '../../models/credential.ts';
import type { Transaction } from '../../platform/database.ts';
import { notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';

export interface CredentialName {
  agentId: string;
  credentialId: string;
}

/** Only the newest secret works. */
export const overlapEnded = { previousHash: null, previousPepperId: null, previousUntil: null };

/** One credential of an agent. The caller has locked the agent's row. Problem: `not_found`. */
export const findCredential = async (
  trx: Transaction,
  tenantId: string,
  { agentId, credentialId }: CredentialName,
): Promise<Credential> => {
  requireId('crd', credentialId);
  const credential = await Credential.query(trx).findOne({
    tenant_id: tenantId,
    agent_id: agentId,
    id: credentialId,
  });
  if (!credential) throw notFound();
  return credential;
};
