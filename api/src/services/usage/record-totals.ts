import { dayOfEpoch } from '@sentryagent/workflows/rules/period';
import type { Transaction } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { keyOf, type Total } from './totals.ts';

/**
 * Writes absolute totals. A total below the stored one changes nothing. `unshared`: Redis may not have them. A row that
 * Postgres rejects is skipped and logged once for each source of a day.
 */
export type RecordTotals = (trx: Transaction, totals: readonly Total[], unshared: boolean) => Promise<void>;

/** SQLSTATE classes of errors in the row itself: data exception, integrity constraint violation. */
const isFaultOfRow = (error: unknown): boolean => /^2[23]/.test((error as { code?: string }).code ?? '');

const write = (trx: Transaction, totals: readonly Total[], unshared: boolean): Promise<unknown> => {
  const rows = totals.map(({ tenantId, day, agentId, refused = 'api_calls', source, count }) => ({
    tenant_id: tenantId,
    day: dayOfEpoch(day),
    agent_id: agentId,
    metric: refused,
    source,
    count,
    unshared,
  }));
  // In a savepoint, so that a refused row leaves the transaction usable.
  return trx.transaction((savepoint) => savepoint.raw('select record_usage(?)', [JSON.stringify(rows)]));
};

export const createRecorder = (logger: Logger): RecordTotals => {
  const reported = new Set<string>();

  const report = (total: Total, error: unknown): void => {
    const row = `${keyOf(total)}|${total.source}`;
    if (reported.has(row)) return;
    reported.add(row);
    logger.error({ err: error, ...total }, 'a count of API calls cannot be stored and was skipped');
  };

  const record: RecordTotals = async (trx, totals, unshared) => {
    if (totals.length === 0) return;
    try {
      await write(trx, totals, unshared);
    } catch (error) {
      if (!isFaultOfRow(error)) throw error;
      if (totals.length === 1) return report(totals[0]!, error);
      // Split in halves until only the bad rows fail.
      const middle = Math.ceil(totals.length / 2);
      await record(trx, totals.slice(0, middle), unshared);
      await record(trx, totals.slice(middle), unshared);
    }
  };
  return record;
};
