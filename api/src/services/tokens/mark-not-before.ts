import type { Transaction } from '../../platform/database.ts';

/**
 * Revokes all tokens that were issued to the agent before a time, in every process within a second of the commit. A
 * trigger does the same when the status of an agent changes.
 */
export const markNotBefore = async (
  trx: Transaction,
  tenantId: string,
  agentId: string,
  at: Date,
): Promise<void> => {
  await trx.raw('select mark_not_before(?, ?, ?, null)', [tenantId, agentId, at]);
};
