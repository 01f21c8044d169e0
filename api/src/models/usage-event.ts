import { BaseModel } from './base-model.ts';

export type Metric = 'api_calls' | 'token_issuances' | 'active_agents';

/**
 * The total that one source has counted for a tenant on a UTC day. What it has counted after the day was settled is a
 * row of `<source>/late`. The usage of the day is the sum of all sources.
 */
export class UsageEvent extends BaseModel {
  static override tableName = 'usage_events';
  static override idColumn = ['tenant_id', 'day', 'metric', 'source'];

  declare tenantId: string;
  declare day: string;
  declare metric: Metric;
  declare source: string;
  declare count: number;
}
