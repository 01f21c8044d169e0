import { expect } from 'vitest';
import { until } from '../../../dev/test/support/until.ts';
import type { TestApi } from './api.ts';
import { call } from './callers.ts';
import type { TestMember } from './callers.ts';

export const NO_RATE = { RATE_LIMIT_MAX_REQUESTS: '1000000' };

interface ShownMetric {
  today: number;
  period: number;
  limit: number | null;
  resetsAt: string | null;
}

interface ShownUsage {
  day: string;
  period: { start: string; end: string };
  tier: string;
  warning: boolean;
  upgradeUrl: string | null;
  metrics: Record<string, ShownMetric>;
}

/** The member, asking at another process. */
export const at = (api: Pick<TestApi, 'url'>, { cookie }: TestMember): Pick<TestMember, 'get'> => ({
  get: (path) => call(api, path, { headers: { cookie } }),
});

export const usageOf = async (member: Pick<TestMember, 'get'>): Promise<ShownUsage> => {
  const { status, body } = await member.get('/billing/usage');
  expect(status).toBe(200);
  return body as unknown as ShownUsage;
};

export const callsOf = async (member: Pick<TestMember, 'get'>): Promise<number> =>
  (await usageOf(member)).metrics.api_calls!.today;

/** What the ledger holds of a tenant's calls, summed over processes. */
export const ledgerOf = async (api: Pick<TestApi, 'sql'>, tenantId: string): Promise<number> => {
  const [row] = await api.sql(
    `select coalesce(sum(count), 0)::int as total from usage_events where tenant_id = $1 and metric = 'api_calls'`,
    [tenantId],
  );
  return row!.total as number;
};

/** As if the tenant had used so many calls today, at some other process. */
export const useCalls = (api: TestApi, tenantId: string, count: number) =>
  api.sql(
    `insert into usage_events (tenant_id, day, metric, source, count)
     values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', $2)`,
    [tenantId, count],
  );

/**
 * Calls that were let through, of so many sent at once in waves. On a busy machine one may be answered 503: after it
 * was let through, which its `RateLimit` shows, or before, and then it is sent again.
 */
export const sendCalls = async (
  apis: Pick<TestApi, 'url'>[],
  token: string,
  total: number,
  width: number,
): Promise<number> => {
  let served = 0;
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < total) {
      const api = apis[sent++ % apis.length]!;
      const { status, headers } = await call(api, '/agents', {
        headers: { authorization: `Bearer ${token}` },
      });
      if (status === 200 || (status === 503 && headers.has('ratelimit'))) served += 1;
      else if (status === 503) sent -= 1;
      else expect(status).toBe(429);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return served;
};

/** Waits until Redis knows what processes have counted without it. */
export const untilShared = (api: TestApi): Promise<void> =>
  until(
    'no count is unshared',
    async () => (await api.sql('select 1 from usage_events where unshared')).length === 0,
  );
