import type { Usage, UsageRow } from '@sentryagent/sdk';
import { ask } from '#lib/navigation/ask.ts';
import type { DayCount } from './chart/geometry.ts';
import type { Range, Span } from './range.ts';

/** The metrics that are counted day by day. */
export const chartMetrics = ['api_calls', 'token_issuances', 'active_agents'] as const;
export type ChartMetric = (typeof chartMetrics)[number];

export type DayCounts = { day: string } & Record<ChartMetric, number>;

export interface AgentTokens {
  agentId: string;
  /** `null`: the agent has no name any more. */
  name: string | null;
  tokens: number;
}

/** The tokens of a span by agent: the agents with the most, and the sum of the others. */
export interface TokensByAgent extends Span {
  top: AgentTokens[];
  others: { agents: number; tokens: number };
}

export interface History {
  /** 30 days. The last one is today. */
  days: DayCounts[];
  /** `null`: there are too many agents to list. */
  byAgent: TokensByAgent | null;
}

export const dayCounts = (rows: readonly UsageRow[]): DayCounts[] =>
  rows.flatMap(({ day, metrics: { api_calls, token_issuances, active_agents } }) =>
    day === null
      ? []
      : [{ day, api_calls: api_calls ?? 0, token_issuances, active_agents: active_agents ?? 0 }],
  );

const TOP = 10;

/** The rows come with the most tokens first. One agent more is shown instead of "1 other agent". */
export const tokensByAgent = (span: Span, rows: readonly UsageRow[]): TokensByAgent => {
  const top = rows.length === TOP + 1 ? rows.length : TOP;
  const others = rows.slice(top);
  return {
    ...span,
    top: rows.slice(0, top).map(({ agentId, agentName, metrics }) => ({
      agentId: agentId ?? '',
      name: agentName,
      tokens: metrics.token_issuances,
    })),
    others: {
      agents: others.length,
      tokens: others.reduce((sum, { metrics }) => sum + metrics.token_issuances, 0),
    },
  };
};

export const totalTokens = ({ top, others }: TokensByAgent): number =>
  top.reduce((sum, { tokens }) => sum + tokens, others.tokens);

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
