import type { MetricUsage, Usage } from '@sentryagent/sdk';
import { formatNumber, plural } from '#lib/format/numbers.ts';

export type MetricName = keyof Usage['metrics'];

interface Metric {
  title: string;
  noun: string;
  /** Which of the two counts is shown: a daily limit is about today. */
  count: 'today' | 'period';
  /** Said after the count, where it is about a span of time. */
  span: string;
}

export const metrics: Readonly<Record<MetricName, Metric>> = {
  api_calls: { title: 'API calls', noun: 'API call', count: 'today', span: ' today' },
  active_agents: { title: 'Active agents', noun: 'agent', count: 'today', span: '' },
  token_issuances: { title: 'Tokens', noun: 'token', count: 'period', span: ' this period' },
};

export interface CountWords {
  /** "1" */
  figure: string;
  /** "API call of 1,000 today" */
  rest: string;
}

/** "1 API call of 1,000 today", in the two halves that are set differently. */
export const countWords = (name: MetricName, usage: MetricUsage): CountWords => {
  const { noun, count, span } = metrics[name];
  const used = usage[count];
  const limit = usage.limit === null ? '' : ` of ${formatNumber(usage.limit)}`;
  return { figure: formatNumber(used), rest: plural(used, noun) + limit + span };
};

export interface Meter {
  value: number;
  max: number;
  /** Its colour: high from four fifths on. */
  level: 'calm' | 'high' | 'full';
}

/** How far a limit is used; what goes over shows as full. `null` where nothing is limited. */
export const meterOf = (name: MetricName, { limit, ...usage }: MetricUsage): Meter | null => {
  if (limit === null) return null;
  const value = Math.min(usage[metrics[name].count], limit);
  return { value, max: limit, level: value === limit ? 'full' : value >= limit * 0.8 ? 'high' : 'calm' };
};
