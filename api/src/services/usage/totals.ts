/** A tenant's UTC day, as days since 1970-01-01. */
export interface TenantDay {
  tenantId: string;
  day: number;
}

/** The API calls of a tenant on a day, counted by one source (an API process). */
export interface Total extends TenantDay {
  source: string;
  count: number;
}

export const sumCounts = (totals: readonly Total[]): number =>
  totals.reduce((sum, { count }) => sum + count, 0);

export const keyOf = ({ tenantId, day }: TenantDay): string => `${tenantId}|${day}`;

/** The inverse of `keyOf`. `undefined` for other text. */
export const dayOfKey = (key: string): TenantDay | undefined => {
  const [, tenantId, day] = /^([^|]+)\|(\d{1,6})$/.exec(key) ?? [];
  return tenantId === undefined ? undefined : { tenantId, day: Number(day) };
};
