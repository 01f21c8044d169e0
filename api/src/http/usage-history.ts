import { z } from 'zod';
import {
  usageGroups,
  type HistoryQuery,
  type UsageGroup,
  type UsageHistory,
  type UsageRow,
} from '../services/usage/read-usage-history.ts';
import { callCap } from './agent-shapes.ts';
import { toCsv, type Cell } from './csv.ts';
import type { Answer, Request } from './route.ts';

const count = z.int().min(0);
const day = z.iso.date().refine((text) => text >= '1970-01-01', 'must not be before 1970-01-01');

export const historyQuery = {
  from: day.optional().meta({ description: 'The first UTC day. Default: 29 days before `to`.' }),
  to: day.optional().meta({ description: 'The last UTC day, inclusive. Default: today.' }),
  groupBy: z.enum(usageGroups).optional().meta({
    description:
      'The response is the usage history. Default: `day` if `from` or `to` is given; else the response is the current usage.',
  }),
};

/** The history that is asked for, or `undefined` for the current usage. */
export const askedHistory = ({ from, to, groupBy }: Partial<HistoryQuery>): HistoryQuery | undefined =>
  from === undefined && to === undefined && groupBy === undefined
    ? undefined
    : { from, to, groupBy: groupBy ?? 'day' };

const row = z
  .object({
    day: z.iso.date().nullable().meta({ description: '`null`: not grouped by day.' }),
    agentId: z.string().nullable().meta({ description: '`null`: not grouped by agent.' }),
    agentName: z.string().nullable(),
    callCap: callCap.nullable().meta({ description: '`null`: the agent has none.' }),
    callsToday: count.nullable().meta({
      description:
        'The agent’s API calls today. `null` if grouped by day, or if today is not one of the days.',
    }),
    metrics: z.object({
      api_calls: count,
      token_issuances: count,
      active_agents: count.nullable().meta({
        description:
          'The number at the end of the day; for today, the current number. `null` if grouped by agent.',
      }),
    }),
  })
  .meta({ id: 'UsageRow' });

export const historySchema = z
  .object({
    from: z.iso.date(),
    to: z.iso.date().meta({ description: 'Inclusive.' }),
    groupBy: z.enum(usageGroups),
    data: z.array(row).meta({
      description:
        'Grouped by day: a row for each day. Grouped by agent: a row for each agent that made API calls or got tokens, even if it is decommissioned now.',
    }),
  })
  .meta({ id: 'UsageHistory' });

const columns: Readonly<Record<string, (row: UsageRow) => Cell>> = {
  day: ({ day: text }) => text,
  agent_id: ({ agentId }) => agentId,
  agent_name: ({ agentName }) => agentName,
  calls_today: ({ callsToday }) => callsToday,
  call_cap: ({ callCap: cap }) => cap?.max ?? null,
  call_cap_mode: ({ callCap: cap }) => cap?.mode ?? null,
  api_calls: ({ metrics }) => metrics.api_calls,
  token_issuances: ({ metrics }) => metrics.token_issuances,
  active_agents: ({ metrics }) => metrics.active_agents,
};

const groupColumns: Readonly<Record<UsageGroup, readonly string[]>> = {
  day: ['day', 'api_calls', 'token_issuances', 'active_agents'],
  agent: [
    ...(['agent_id', 'agent_name', 'api_calls', 'token_issuances'] as const),
    ...(['calls_today', 'call_cap', 'call_cap_mode'] as const),
  ],
  'day,agent': ['day', 'agent_id', 'agent_name', 'api_calls', 'token_issuances'],
};

const csvOf = ({ groupBy, rows }: UsageHistory): string => {
  const header = groupColumns[groupBy];
  return toCsv(
    header,
    rows.map((each) => header.map((name) => columns[name]!(each))),
  );
};

const fileName = ({ groupBy, from, to }: UsageHistory): string =>
  `sentryagent-usage-by-${groupBy.replace(',', '-and-')}-${from}-to-${to}.csv`;

export const presentHistory = ({ rows, ...rest }: UsageHistory) => ({ ...rest, data: rows });

/** As JSON, or as CSV with the same numbers. */
export const answerHistory = (history: UsageHistory, { prefersCsv }: Pick<Request, 'prefersCsv'>): Answer => {
  if (!prefersCsv) return { status: 200, body: presentHistory(history) };
  const headers = { 'Content-Disposition': `attachment; filename="${fileName(history)}"` };
  return { status: 200, csv: csvOf(history), headers };
};
