import type { Send } from '../../platform/database.ts';
import type { AssertionUse, Client } from './client.ts';
import { ClientRefusal } from './client-refusal.ts';

export interface Use extends AssertionUse {
  tenantId: string;
  credentialId: string;
  /** The id of the audit entry that uses it. */
  usedBy: string;
}

/** Marks assertions as used in this transaction. Returns the audit entries that were the first to use theirs. */
export const useAssertions = async (send: Send, uses: readonly Use[]): Promise<Set<string>> => {
  if (uses.length === 0) return new Set();
  const rows = uses.map(({ tenantId, credentialId, jti, usedBy, expiresAt }) => ({
    tenant_id: tenantId,
    credential_id: credentialId,
    jti,
    used_by: usedBy,
    expires_at: expiresAt,
  }));
  const first = await send<{ id: string }>('select use_assertions($1) as id', [JSON.stringify(rows)]);
  return new Set(first.map(({ id }) => id));
};

export const replayed = ({ credentialId }: Client): ClientRefusal =>
  new ClientRefusal(
    'replayed',
    'This assertion was already used. Sign a new one with another jti.',
    credentialId,
  );
