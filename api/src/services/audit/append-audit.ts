import type { Transaction } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { chain } from './chain.ts';
import type { Head } from './chain.ts';
import type { AuditEntry } from './entry.ts';

/**
 * Writes an entry in the act's own transaction: no audit, no act. Called last in it, since the head row stays locked
 * until the commit.
 */
export const appendAudit = async (trx: Transaction, entry: AuditEntry): Promise<void> => {
  const ofTenant = { tenant_id: entry.tenantId };
  const head: Head | undefined = await trx('audit_heads')
    .select('sequence', 'hash')
    .where(ofTenant)
    .forUpdate()
    .first();
  if (!head) throw unavailable(new Error(`tenant ${entry.tenantId} has no audit head`));
  const [link] = chain(head, [entry]);
  if (!link) return;
  await trx('audit_events').insert(link);
  await trx('audit_heads').where(ofTenant).update({ sequence: link.sequence, hash: link.hash });
};
