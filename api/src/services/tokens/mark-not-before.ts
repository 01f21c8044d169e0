import type { Transaction } from '../../platform/database.ts';

/**
 * Ends every token that the agent was issued before a moment, in every process within a second of the commit. A
 * change of its status does that by itself.
 */
export const markNotBefore = async (
  trx: Transaction,
  tenantId: string,
  agentId: string,
  at: Date,
): Promise<void> => {
  await trx.raw('select mark_not_before(?, ?, ?, null)', [tenantId, agentId, at]);
};
