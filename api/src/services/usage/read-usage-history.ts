import { dayOfEpoch, utcDay } from '@sentryagent/workflows/rules/period';
import type { CallCap } from '../../models/agent.ts';
import { UsageEvent } from '../../models/usage-event.ts';
import { readTime } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { countActiveAgentsByDay } from './count-active-agents.ts';
import { historyDays, listDays, type Days } from './history-days.ts';
import type { Meter } from './meter.ts';
import type { Total } from './totals.ts';

export const usageGroups = ['day', 'agent', 'day,agent'] as const;
export type UsageGroup = (typeof usageGroups)[number];

export interface UsageRow {
  /** `null`: not grouped by day. */
  day: string | null;
  /** `null`: not grouped by agent. */
  agentId: string | null;
  agentName: string | null;
  /** The cap of the agent. `null`: it has none, or the row is not of an agent. */
  callCap: CallCap | null;
  /** The agent's API calls of today. `null`: the row is of a day, or the days do not include today. */
  callsToday: number | null;
  /** Active agents are not counted by agent: `null`. */
  metrics: { api_calls: number; token_issuances: number; active_agents: number | null };
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
  meter: Pick<Meter, 'usedToday' | 'callsByAgent'>;
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
    callCap: null,
    callsToday: null,
    metrics: {
      api_calls: stored.get(`api_calls ${day}`) ?? 0,
      token_issuances: stored.get(`token_issuances ${day}`) ?? 0,
      active_agents: stored.get(`active_agents ${day}`) ?? 0,
    },
  }));
};

interface AgentCount extends Pick<UsageRow, 'day' | 'agentId' | 'agentName' | 'callCap'> {
  calls: number;
  callsToday: number;
  tokens: number;
}

/** The calls of days that are not settled: for each source the larger one of both stores. */
const UNSETTLED = `
  select day, agent_id, 'api_calls' as metric, max(count) as count
  from (
    select day, agent_id, source, count from agent_calls where tenant_id = :tenantId
    union all
    select day, "agentId", source, count
    from jsonb_to_recordset(:live) as l (day date, "agentId" text, source text, count bigint)
  ) as seen
  group by day, agent_id, source`;

const countsByAgent = async (
  trx: Transaction,
  tenantId: string,
  { from, to, today, byDay }: Days & { today: string; byDay: boolean },
  live: readonly Total[],
): Promise<AgentCount[]> => {
  const sumOf = (condition: string) => `coalesce(sum(count) filter (where ${condition}), 0)::bigint`;
  const { rows } = await trx.raw<{ rows: AgentCount[] }>(
    `select u.day, u.agent_id as "agentId", a.name as "agentName", a.call_cap as "callCap", tokens, calls, "callsToday"
     from (
       select ${byDay ? 'day' : 'null as day'}, agent_id, ${sumOf(`metric = 'token_issuances'`)} as tokens,
         ${sumOf(`metric = 'api_calls'`)} as calls,
         ${sumOf(`metric = 'api_calls' and day = :today`)} as "callsToday"
       from (
         select day, agent_id, metric, count from agent_usage
         where tenant_id = :tenantId and metric in ('api_calls', 'token_issuances')
         union all ${UNSETTLED}
       ) as used
       where day between :from and :to
       group by 1, 2
       limit :limit
     ) as u
     left join agents a on a.tenant_id = :tenantId and a.id = u.agent_id
     order by u.day, tokens desc, calls desc, u.agent_id`,
    {
      ...{ tenantId, from, to, today, limit: MAX_ROWS + 1 },
      live: JSON.stringify(live.map(({ day, ...total }) => ({ day: dayOfEpoch(day), ...total }))),
    },
  );
  return rows;
};

const rowsByAgent = (counts: readonly AgentCount[], hasToday: boolean): UsageRow[] => {
  if (counts.length > MAX_ROWS) {
    throw new Problem(
      'validation_failed',
      `These days have more than ${MAX_ROWS} rows by agent. Ask for fewer days.`,
    );
  }
  return counts.map(({ calls, callsToday, tokens, ...row }) => ({
    ...row,
    callsToday: hasToday ? callsToday : null,
    metrics: { api_calls: calls, token_issuances: tokens, active_agents: null },
  }));
};

const readByAgent = async (
  { db, meter }: HistoryDeps,
  tenantId: string,
  { groupBy, ...asked }: HistoryQuery,
): Promise<UsageHistory> => {
  const live = await meter.callsByAgent(tenantId);
  return db.withTenant(tenantId, async (trx) => {
    const today = utcDay(await readTime(trx));
    const days = historyDays(asked, today);
    const byDay = groupBy === 'day,agent';
    const counts = await countsByAgent(trx, tenantId, { ...days, today, byDay }, live);
    const hasToday = !byDay && days.from <= today && today <= days.to;
    return { ...days, groupBy, rows: rowsByAgent(counts, hasToday) };
  });
};

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
 * The tenant's usage by UTC day: one row for each day, including the calls of this second. Or its API
 * calls and tokens by agent: one row for each agent that has any, the most tokens first. Problem: `validation_failed`.
 */
export const readUsageHistory = (
  deps: HistoryDeps,
  tenantId: string,
  query: HistoryQuery,
): Promise<UsageHistory> =>
  query.groupBy === 'day' ? readByDay(deps, tenantId, query) : readByAgent(deps, tenantId, query);
