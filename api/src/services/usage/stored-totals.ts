import { dayOfEpoch, epochDay } from '@sentryagent/workflows/rules/period';
import { AgentCalls } from '../../models/agent-calls.ts';
import { UsageEvent } from '../../models/usage-event.ts';
import { readTime } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Counter, TenantDay, Total } from './totals.ts';

const totalsOf = async (trx: Transaction, counter: Counter): Promise<Total[]> => {
  const { tenantId, day, agentId } = counter;
  const ofTenantDay = { tenant_id: tenantId, day: dayOfEpoch(day) };
  const rows: Pick<Total, 'source' | 'count'>[] =
    agentId === undefined
      ? await UsageEvent.query(trx).where({ ...ofTenantDay, metric: 'api_calls' })
      : await AgentCalls.query(trx).where({ ...ofTenantDay, agent_id: agentId });
  return rows.map(({ source, count }) => ({ ...counter, source, count }));
};

/** The day's totals of API calls in Postgres. */
export const readTotals = (db: Database, day: Counter): Promise<Total[]> =>
  db.withTenant(day.tenantId, (trx) => totalsOf(trx, day));

/** The totals of the current day, by the clock of Postgres. */
export const readToday = (
  db: Database,
  counter: Omit<Counter, 'day'>,
): Promise<{ time: Date; day: Counter; totals: Total[] }> =>
  db.withTenant(counter.tenantId, async (trx) => {
    const time = await readTime(trx);
    const day = { ...counter, day: epochDay(time) };
    return { time, day, totals: await totalsOf(trx, day) };
  });

interface Row {
  tenant_id: string;
  day: string;
}

const toDay = ({ tenant_id: tenantId, day }: Row): TenantDay => ({ tenantId, day: epochDay(new Date(day)) });

/** The totals of given days of any tenants. */
export const readDays = async (trx: Transaction, days: readonly TenantDay[]): Promise<Total[]> => {
  const asked = days.map(({ tenantId, day }) => ({ tenant_id: tenantId, day: dayOfEpoch(day) }));
  const { rows } = await trx.raw<{ rows: (Row & { source: string; count: number })[] }>(
    'select * from read_usage_days(?)',
    [JSON.stringify(asked)],
  );
  return rows.map((row) => ({ ...toDay(row), source: row.source, count: row.count }));
};

/** Days with totals that Redis does not have, oldest first. */
export const listUnsharedDays = async (trx: Transaction, limit: number): Promise<TenantDay[]> => {
  const { rows } = await trx.raw<{ rows: Row[] }>('select * from list_unshared_usage(?)', [limit]);
  return rows.map(toDay);
};
