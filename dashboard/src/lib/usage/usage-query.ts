import { chartMetrics, type ChartMetric } from './history.ts';
import type { Range } from './range.ts';

const metricParams: Readonly<Record<ChartMetric, string>> = {
  api_calls: 'calls',
  token_issuances: 'tokens',
  active_agents: 'agents',
};

/** The metric that a URL asks for. */
export const metricOf = (param: string | null): ChartMetric =>
  chartMetrics.find((metric) => metricParams[metric] === param) ?? 'api_calls';

/** The query of the Usage page, without what is default. */
export const usageQuery = ({ range, metric }: { range: Range; metric: ChartMetric }): `?${string}` | '' => {
  const query = new URLSearchParams();
  if (range !== 'period') query.set('range', range);
  if (metric !== 'api_calls') query.set('metric', metricParams[metric]);
  return query.size === 0 ? '' : `?${query}`;
};
