import type { Transaction } from '../../platform/database.ts';

/** Up to 20 owners of the transaction's tenant, with a verified address or not. Only for mails about a payment. */
export const listPayers = async (trx: Transaction): Promise<{ userId: string; email: string }[]> => {
  const { rows } = await trx.raw<{ rows: { userId: string; email: string }[] }>(
    'select user_id as "userId", email from tenant_payers()',
  );
  return rows;
};
