import type { CallCap, Usage, UsageRow } from '@sentryagent/sdk';
import { ask } from '#lib/navigation/ask.ts';
import type { DayCount } from './chart/geometry.ts';
import type { Range, Span } from './range.ts';

/** The metrics that are counted day by day. */
export const chartMetrics = ['api_calls', 'token_issuances', 'active_agents'] as const;
export type ChartMetric = (typeof chartMetrics)[number];

export type DayCounts = { day: string } & Record<ChartMetric, number>;

interface AgentCount {
  agentId: string;
  /** `null`: the agent has no name any more. */
  name: string | null;
  cap: CallCap | null;
  count: number;
}

/** The agents with the highest counts, and the sum of the others. */
export interface Ranking {
  top: AgentCount[];
  others: { agents: number; count: number };
}

/** By agent: the tokens of a span, and the API calls of its last day. */
export interface ByAgent extends Span {
  tokens: Ranking;
  callsToday: Ranking;
}

export interface History {
  /** 30 days. The last one is today. */
  days: DayCounts[];
  /** `null`: there are too many agents to list. */
  byAgent: ByAgent | null;
}

export const dayCounts = (rows: readonly UsageRow[]): DayCounts[] =>
  rows.flatMap(({ day, metrics: { api_calls, token_issuances, active_agents } }) =>
    day === null ? [] : [{ day, api_calls, token_issuances, active_agents: active_agents ?? 0 }],
  );

const TOP = 10;

const sumOf = (counts: readonly AgentCount[]): number => counts.reduce((sum, { count }) => sum + count, 0);

/** One agent more is shown instead of "1 other agent". */
const rank = (rows: readonly UsageRow[], countOf: (row: UsageRow) => number): Ranking => {
  const counts = rows
    .map((row) => ({
      agentId: row.agentId ?? '',
      name: row.agentName,
      cap: row.callCap,
      count: countOf(row),
    }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count);
  const top = counts.length === TOP + 1 ? counts.length : TOP;
  const others = counts.slice(top);
  return { top: counts.slice(0, top), others: { agents: others.length, count: sumOf(others) } };
};

export const usageByAgent = (span: Span, rows: readonly UsageRow[]): ByAgent => ({
  ...span,
  tokens: rank(rows, ({ metrics }) => metrics.token_issuances),
  callsToday: rank(rows, ({ callsToday }) => callsToday ?? 0),
});

export const totalOfAgents = ({ top, others }: Ranking): number => sumOf(top) + others.count;

type Current = Pick<Usage, 'day' | 'metrics'>;

/** The days with the current counts of today, which the cards show too. */
export const withToday = (days: readonly DayCounts[], { day, metrics }: Current): DayCounts[] =>
  days.map((counts) =>
    counts.day === day
      ? {
          day,
          api_calls: metrics.api_calls.today,
          token_issuances: metrics.token_issuances.today,
          active_agents: metrics.active_agents.today,
        }
      : counts,
  );

export const countsOf = (days: readonly DayCounts[], metric: ChartMetric): DayCount[] =>
  days.map((counts) => ({ day: counts.day, count: counts[metric] }));

/**
 * The total of a range. A period can be longer than the days, so it has its own count. Agents of several days are no
 * sum: their number is that of now.
 */
export const totalOf = (
  range: Range,
  days: readonly DayCounts[],
  metric: ChartMetric,
  { metrics }: Current,
): number => {
  if (metric === 'active_agents') return metrics.active_agents.today;
  if (range !== '7d') return metrics[metric][range];
  return days.slice(-7).reduce((sum, counts) => sum + counts[metric], 0);
};

/** The history of the 30 days until `to`, and by agent of the span. `null`: it is unavailable. */
export const takeHistory = async (
  fetch: typeof globalThis.fetch,
  { from, to }: Span,
): Promise<History | null> => {
  const answer = await ask(fetch, `/usage/history?from=${from}&to=${to}`);
  return answer?.status === 200 ? (answer.body as History) : null;
};
