import type { Transaction } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { chain } from './chain.ts';
import type { Head } from './chain.ts';
import type { AuditEntry } from './entry.ts';

/** Nothing else is written into the tenant's log until this transaction ends. */
export const lockHead = async (trx: Transaction, tenantId: string): Promise<Head> => {
  const head: Head | undefined = await trx('audit_heads')
    .select('sequence', 'hash')
    .where({ tenant_id: tenantId })
    .forUpdate()
    .first();
  if (!head) throw unavailable(new Error(`tenant ${tenantId} has no audit head`));
  return head;
};

/**
 * Writes an entry in the act's own transaction: no audit, no act. Called last in it, since the head row stays locked
 * until the commit.
 */
export const appendAudit = async (trx: Transaction, entry: AuditEntry): Promise<void> => {
  const head = await lockHead(trx, entry.tenantId);
  const [link] = chain(head, [entry]);
  if (!link) return;
  const { sequence, hash } = link.entry;
  await trx('audit_events').insert(link.entry);
  await trx('audit_heads').where({ tenant_id: entry.tenantId }).update({ sequence, hash });
};
