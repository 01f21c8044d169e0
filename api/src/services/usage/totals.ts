import { dayOfEpoch } from '@sentryagent/workflows/rules/period';
import { UsageEvent } from '../../models/usage-event.ts';
import type { Database } from '../../platform/database.ts';

/** What one source has counted of a tenant's API calls on a day (days since 1970-01-01). */
export interface Total {
  tenantId: string;
  day: number;
  source: string;
  count: number;
}

/** The day's totals of API calls, as the flushes have left them in Postgres. */
export const readTotals = (db: Database, tenantId: string, day: number): Promise<Total[]> =>
  db.withTenant(tenantId, async (trx) => {
    const rows = await UsageEvent.query(trx)
      .select('source', 'count')
      .where({ tenant_id: tenantId, day: dayOfEpoch(day), metric: 'api_calls' });
    return rows.map(({ source, count }) => ({ tenantId, day, source, count }));
  });

/** Writes absolute totals; a smaller one than is there changes nothing. */
export const recordTotals = async (db: Database, totals: readonly Total[]): Promise<void> => {
  if (totals.length === 0) return;
  const rows = totals.map(({ tenantId, day, source, count }) => ({
    tenant_id: tenantId,
    day: dayOfEpoch(day),
    metric: 'api_calls',
    source,
    count,
  }));
  await db.acrossTenants((trx) => trx.raw('select record_usage(?)', [JSON.stringify(rows)]));
};

export const sumCounts = (totals: readonly Total[]): number =>
  totals.reduce((sum, { count }) => sum + count, 0);

/** The fields of a day's hash in Redis. */
export const toTotals = (tenantId: string, day: number, fields: Record<string, string>): Total[] =>
  Object.entries(fields)
    .filter(([source]) => source !== 'seeded')
    .map(([source, count]) => ({ tenantId, day, source, count: Number(count) }));
