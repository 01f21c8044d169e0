import type { RefusedMetric } from '../../models/usage-event.ts';

/** A tenant's UTC day, as days since 1970-01-01. */
export interface TenantDay {
  tenantId: string;
  day: number;
}

/** The API calls of a tenant on a day, or those of one agent. */
export interface Counter extends TenantDay {
  agentId?: string | undefined;
  /** Not set: admitted calls. */
  refused?: RefusedMetric | undefined;
}

/** What one source (an API process) has counted. */
export interface Total extends Counter {
  source: string;
  count: number;
}

export const sumCounts = (totals: readonly Total[]): number =>
  totals.reduce((sum, { count }) => sum + count, 0);

export const keyOf = ({ tenantId, day, agentId, refused }: Counter): string => {
  const part = agentId ?? refused;
  return part === undefined ? `${tenantId}|${day}` : `${tenantId}|${day}|${part}`;
};

/** The inverse of `keyOf` for a tenant's day. `undefined` for other text. */
export const dayOfKey = (key: string): TenantDay | undefined => {
  const [, tenantId, day] = /^([^|]+)\|(\d{1,6})$/.exec(key) ?? [];
  return tenantId === undefined ? undefined : { tenantId, day: Number(day) };
};
