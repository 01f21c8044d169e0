import { BaseModel } from './base-model.ts';

export type Metric = 'api_calls' | 'token_issuances' | 'active_agents';

/** Refused API calls by reason. They are no usage, and a crash may lose some. */
export const refusedMetrics = ['refused_quota', 'refused_rate', 'refused_agent'] as const;
export type RefusedMetric = (typeof refusedMetrics)[number];

/**
 * The total that one source has counted for a tenant on a UTC day. What it has counted after the day was settled is a
 * row of `<source>/late`. The usage of the day is the sum of all sources.
 */
export class UsageEvent extends BaseModel {
  static override tableName = 'usage_events';
  static override idColumn = ['tenant_id', 'day', 'metric', 'source'];

  declare tenantId: string;
  declare day: string;
  declare metric: Metric | RefusedMetric;
  declare source: string;
  declare count: number;
}
