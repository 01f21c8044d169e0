import { utcDay } from '@sentryagent/workflows/rules/period';
import type { Database } from '../../../platform/database.ts';

export interface PeriodUsage {
  api_calls: number;
  token_issuances: number;
}

/** Seconds since 1970. */
interface Period {
  start: number;
  end: number;
}

const dayOf = (seconds: number): string => utcDay(new Date(seconds * 1_000));

/**
 * The usage of each period. Usage is counted by UTC day: a day belongs to the period that begins in it, so periods that
 * follow each other share no day.
 */
export const usageOfPeriods = (
  db: Database,
  tenantId: string,
  periods: readonly Period[],
): Promise<PeriodUsage[]> =>
  db.withTenant(tenantId, async (trx) => {
    const { rows } = await trx.raw<{ rows: PeriodUsage[] }>(
      `select coalesce(sum(u.count) filter (where u.metric = 'api_calls'), 0)::bigint as api_calls,
         coalesce(sum(u.count) filter (where u.metric = 'token_issuances'), 0)::bigint as token_issuances
       from unnest(?::date[], ?::date[]) with ordinality as p (from_day, before_day, number)
       left join usage_events u on u.tenant_id = ? and u.day >= p.from_day and u.day < p.before_day
       group by p.number order by p.number`,
      [periods.map(({ start }) => dayOf(start)), periods.map(({ end }) => dayOf(end)), tenantId],
    );
    return rows;
  });
