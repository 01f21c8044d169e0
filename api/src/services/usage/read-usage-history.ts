import { utcDay } from '@sentryagent/workflows/rules/period';
import { UsageEvent } from '../../models/usage-event.ts';
import { readTime } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { countActiveAgentsByDay } from './count-active-agents.ts';
import { historyDays, listDays, type Days } from './history-days.ts';
import type { Meter } from './meter.ts';

export const usageGroups = ['day', 'agent', 'day,agent'] as const;
export type UsageGroup = (typeof usageGroups)[number];

export interface UsageRow {
  /** `null`: not grouped by day. */
  day: string | null;
  /** `null`: not grouped by agent. */
  agentId: string | null;
  agentName: string | null;
  /** API calls and active agents are not counted by agent: `null`. */
  metrics: { api_calls: number | null; token_issuances: number; active_agents: number | null };
}

export interface UsageHistory extends Days {
  groupBy: UsageGroup;
  rows: UsageRow[];
}

export interface HistoryQuery {
  from?: string | undefined;
  to?: string | undefined;
  groupBy: UsageGroup;
}

interface HistoryDeps {
  db: Database;
  meter: Pick<Meter, 'usedToday'>;
}

/** Rows by agent. More would take too long to send. */
const MAX_ROWS = 10_000;

type DayCount = Pick<UsageEvent, 'day' | 'metric' | 'count'>;

const countsByDay = async (trx: Transaction, tenantId: string, { from, to }: Days): Promise<DayCount[]> =>
  UsageEvent.query(trx)
    .select('day', 'metric', UsageEvent.raw('sum(count)::bigint as count'))
    .where('tenant_id', tenantId)
    .whereIn('metric', ['api_calls', 'token_issuances'])
    .whereBetween('day', [from, to])
    .groupBy('day', 'metric');

/** One row for each day. `live`: the API calls of today, which the stored counts may not have yet. */
const rowsByDay = (
  days: Days,
  counts: readonly DayCount[],
  live: { day: string; calls: number },
): UsageRow[] => {
  const stored = new Map(counts.map(({ day, metric, count }) => [`${metric} ${day}`, count]));
  stored.set(`api_calls ${live.day}`, live.calls);
  return listDays(days).map((day) => ({
    day,
    agentId: null,
    agentName: null,
    metrics: {
      api_calls: stored.get(`api_calls ${day}`) ?? 0,
      token_issuances: stored.get(`token_issuances ${day}`) ?? 0,
      active_agents: stored.get(`active_agents ${day}`) ?? 0,
    },
  }));
};

interface AgentCount {
  day: string | null;
  agentId: string;
  agentName: string | null;
  count: number;
}

const countsByAgent = async (
  trx: Transaction,
  tenantId: string,
  { from, to }: Days,
  byDay: boolean,
): Promise<AgentCount[]> => {
  const { rows } = await trx.raw<{ rows: AgentCount[] }>(
    `select u.day, u.agent_id as "agentId", a.name as "agentName", u.count
     from (
       select ${byDay ? 'day' : 'null as day'}, agent_id, sum(count)::bigint as count
       from agent_usage
       where tenant_id = :tenantId and metric = 'token_issuances' and day between :from and :to
       group by 1, 2
       limit :limit
     ) as u
     left join agents a on a.tenant_id = :tenantId and a.id = u.agent_id
     order by u.day, u.count desc, u.agent_id`,
    { tenantId, from, to, limit: MAX_ROWS + 1 },
  );
  return rows;
};

const rowsByAgent = (counts: readonly AgentCount[]): UsageRow[] => {
  if (counts.length > MAX_ROWS) {
    throw new Problem(
      'validation_failed',
      `These days have more than ${MAX_ROWS} rows by agent. Ask for fewer days.`,
    );
  }
  return counts.map(({ count, ...row }) => ({
    ...row,
    metrics: { api_calls: null, token_issuances: count, active_agents: null },
  }));
};

const readByAgent = (
  db: Database,
  tenantId: string,
  { groupBy, ...asked }: HistoryQuery,
): Promise<UsageHistory> =>
  db.withTenant(tenantId, async (trx) => {
    const days = historyDays(asked, utcDay(await readTime(trx)));
    const counts = await countsByAgent(trx, tenantId, days, groupBy === 'day,agent');
    return { ...days, groupBy, rows: rowsByAgent(counts) };
  });

const readByDay = async (
  { db, meter }: HistoryDeps,
  tenantId: string,
  { groupBy, ...asked }: HistoryQuery,
): Promise<UsageHistory> => {
  const stored = db.withTenant(tenantId, async (trx) => {
    const today = utcDay(await readTime(trx));
    const days = historyDays(asked, today);
    const counts = await Promise.all([
      countsByDay(trx, tenantId, days),
      countActiveAgentsByDay(trx, tenantId, days, today),
    ]);
    return { today, days, counts: counts.flat() };
  });
  const [{ today, days, counts }, calls] = await Promise.all([stored, meter.usedToday(tenantId)]);
  return { ...days, groupBy, rows: rowsByDay(days, counts, { day: today, calls }) };
};

/**
 * The tenant's usage by UTC day: one row for each day, including the calls of this second. Or its tokens by agent: one
 * row for each agent that got tokens, the most first. Problem: `validation_failed`.
 */
export const readUsageHistory = (
  deps: HistoryDeps,
  tenantId: string,
  query: HistoryQuery,
): Promise<UsageHistory> =>
  query.groupBy === 'day' ? readByDay(deps, tenantId, query) : readByAgent(deps.db, tenantId, query);
