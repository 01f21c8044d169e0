import type { Transaction } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { chain, type Head } from './chain.ts';
import type { AuditEntry, ChainedEntry } from './entry.ts';

/** Locks the tenant's log until this transaction ends. */
export const lockHead = async (trx: Transaction, tenantId: string): Promise<Head> => {
  const head: Head | undefined = await trx('audit_heads')
    .select('sequence', 'hash')
    .where({ tenant_id: tenantId })
    .forUpdate()
    .first();
  if (!head) throw unavailable(new Error(`tenant ${tenantId} has no audit head`));
  return head;
};

/** Writes entries of one tenant in a separate transaction, which locks the head row only for three statements. */
export const appendAudits = async (
  trx: Transaction,
  tenantId: string,
  entries: readonly AuditEntry[],
): Promise<void> => {
  const rows = chain(await lockHead(trx, tenantId), entries).map((row) => JSON.parse(row) as ChainedEntry);
  const last = rows.at(-1);
  if (!last) return;
  const { sequence, hash } = last;
  await Promise.all([
    trx('audit_events').insert(rows),
    trx('audit_heads').where({ tenant_id: tenantId }).update({ sequence, hash }),
  ]);
};

/**
 * Writes an entry in the transaction of the change, so no change is committed without its entry. Call it last, because
 * the head row stays locked until the commit.
 */
export const appendAudit = (trx: Transaction, entry: AuditEntry): Promise<void> =>
  appendAudits(trx, entry.tenantId, [entry]);

/** The same for an act that can be repeated. Writes nothing if the log has an entry with this id. */
export const appendAuditOnce = async (trx: Transaction, entry: AuditEntry): Promise<void> => {
  await lockHead(trx, entry.tenantId);
  const known: unknown = await trx('audit_events')
    .select(trx.raw('1'))
    .where({ tenant_id: entry.tenantId, event_id: entry.eventId })
    .first();
  if (!known) await appendAudit(trx, entry);
};
