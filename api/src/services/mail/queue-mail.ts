import type { Transaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { MailData, MailKind } from './kinds.ts';

export interface NewMail<K extends MailKind> {
  kind: K;
  /** Deduplicates: one mail for each kind, key and recipient, however often it is queued. */
  key: string;
  data: MailData[K];
}

/** Only verified addresses of owners: otherwise a free tenant could make us mail anyone. */
const ownersOf = async (trx: Transaction): Promise<string[]> => {
  const { rows } = await trx.raw<{ rows: { email: string }[] }>('select email from tenant_owners()');
  return rows.map(({ email }) => email);
};

/** Queues a mail to each verified owner in the caller's transaction. Returns the number of new mails. */
export const mailOwners = async <K extends MailKind>(
  trx: Transaction,
  tenantId: string,
  { kind, key, data }: NewMail<K>,
): Promise<number> => {
  const mails = (await ownersOf(trx)).map((recipient) => ({
    tenant_id: tenantId,
    id: newId('mai'),
    kind,
    key,
    recipient,
    data: JSON.stringify(data),
  }));
  if (mails.length === 0) return 0;
  const queued = await trx('mails')
    .insert(mails)
    .onConflict(['tenant_id', 'kind', 'key', 'recipient'])
    .ignore()
    .returning('id');
  return queued.length;
};
