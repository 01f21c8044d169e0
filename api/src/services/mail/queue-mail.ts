import type { Transaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import { listPayers } from './list-payers.ts';
import type { MailData, MailKind } from './kinds.ts';

export interface NewMail<K extends MailKind> {
  kind: K;
  /** Deduplicates: one mail for each kind, key and recipient, however often it is queued. */
  key: string;
  data: MailData[K];
}

/** In the caller's transaction. Returns the number of new mails. */
const queue = async <K extends MailKind>(
  trx: Transaction,
  tenantId: string,
  recipients: readonly string[],
  { kind, key, data }: NewMail<K>,
): Promise<number> => {
  const mails = recipients.map((recipient) => ({
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

/**
 * Queues a mail to each verified owner: otherwise a free tenant could make us mail anyone. Returns the number of new
 * mails.
 */
export const mailOwners = async <K extends MailKind>(
  trx: Transaction,
  tenantId: string,
  mail: NewMail<K>,
): Promise<number> => {
  const { rows } = await trx.raw<{ rows: { email: string }[] }>('select email from tenant_owners()');
  return queue(
    trx,
    tenantId,
    rows.map(({ email }) => email),
    mail,
  );
};

/**
 * Queues a mail about a payment to each owner, with a verified address or not, because they pay. Its text must be fixed,
 * except for dates and amounts from Stripe.
 */
export const mailPayers = async <K extends MailKind>(
  trx: Transaction,
  tenantId: string,
  mail: NewMail<K>,
): Promise<number> => {
  const emails = (await listPayers(trx)).map(({ email }) => email);
  return queue(trx, tenantId, emails, mail);
};
