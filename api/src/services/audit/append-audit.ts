import type { Transaction } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { chain } from './chain.ts';
import type { Head } from './chain.ts';
import type { AuditEntry } from './entry.ts';

/**
 * Writes a tenant's entries in the act's own transaction: no audit, no act. Called last in it, since the head row
 * stays locked until the commit.
 */
export const appendAudit = async (
  trx: Transaction,
  tenantId: string,
  entries: AuditEntry[],
): Promise<void> => {
  const head: Head | undefined = await trx('audit_heads')
    .select('sequence', 'hash')
    .where({ tenant_id: tenantId })
    .forUpdate()
    .first();
  if (!head) throw unavailable(new Error(`tenant ${tenantId} has no audit head`));
  const links = chain(head, entries);
  const last = links.at(-1);
  if (!last) return;
  await trx('audit_events').insert(links);
  await trx('audit_heads')
    .where({ tenant_id: tenantId })
    .update({ sequence: last.sequence, hash: last.hash });
};
