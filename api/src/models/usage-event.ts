import { BaseModel } from './base-model.ts';

export type Metric = 'api_calls' | 'token_issuances' | 'active_agents';

/** A total that one source has counted for a tenant on a UTC day; the day's usage is the sum over its sources. */
export class UsageEvent extends BaseModel {
  static override tableName = 'usage_events';
  static override idColumn = ['tenant_id', 'day', 'metric', 'source'];

  declare tenantId: string;
  declare day: string;
  declare metric: Metric;
  declare source: string;
  declare count: number;
}
