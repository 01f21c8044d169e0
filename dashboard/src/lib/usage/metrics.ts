import type { MetricUsage, Usage } from '@sentryagent/sdk';
import { formatNumber, plural } from '#lib/format/numbers.ts';

export type MetricName = keyof Usage['metrics'];

interface Metric {
  title: string;
  noun: string;
  /** The count to show: today's if there is a daily limit. */
  count: 'today' | 'period';
  /** The time span after the count, if there is one. */
  span: string;
  /** The name of its limit, in the middle of a sentence. */
  limit: string;
}

export const metrics: Readonly<Record<MetricName, Metric>> = {
  api_calls: { title: 'API calls', noun: 'API call', count: 'today', span: ' today', limit: 'daily limit' },
  active_agents: { title: 'Active agents', noun: 'agent', count: 'today', span: '', limit: 'limit' },
  token_issuances: { title: 'Tokens', noun: 'token', count: 'period', span: ' this period', limit: 'limit' },
};

export interface CountWords {
  /** "1" */
  figure: string;
  /** "API call of 1,000 today" */
  rest: string;
}

/** "1 API call of 1,000 today", in two parts with different styles. */
export const countWords = (name: MetricName, usage: MetricUsage): CountWords => {
  const { noun, count, span } = metrics[name];
  const used = usage[count];
  const limit = usage.limit === null ? '' : ` of ${formatNumber(usage.limit)}`;
  return { figure: formatNumber(used), rest: plural(used, noun) + limit + span };
};

export interface Meter {
  value: number;
  max: number;
  /** The color. High from 80 % on. */
  level: 'calm' | 'high' | 'full';
}

/** The meter of a limit. Usage above the limit shows as full. `null`: unlimited. */
export const meterOf = (name: MetricName, { limit, ...usage }: MetricUsage): Meter | null => {
  if (limit === null) return null;
  const value = Math.min(usage[metrics[name].count], limit);
  return { value, max: limit, level: value === limit ? 'full' : value >= limit * 0.8 ? 'high' : 'calm' };
};
