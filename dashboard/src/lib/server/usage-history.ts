import { ApiError, type UsageRow } from '@sentryagent/sdk';
import { redirect, type RequestEvent } from '@sveltejs/kit';
import { signInPath } from '#lib/navigation/safe-redirect.ts';
import { dayCounts, usageByAgent, type History } from '#lib/usage/history.ts';
import { apiFor } from './api.ts';
import { failPage } from './failures.ts';

/** The days that the request names. The API checks them. */
const requestedSpan = ({ searchParams }: URL) => ({
  from: searchParams.get('from') ?? '',
  to: searchParams.get('to') ?? '',
});

/** The API refuses to list too many agents. */
const rowsOrNull = (failure: unknown): null => {
  if (failure instanceof ApiError && failure.status === 400) return null;
  throw failure;
};

/** The 30 days until `to`, and the usage by agent since `from`. */
export const readHistory = async (event: RequestEvent): Promise<History> => {
  const span = requestedSpan(event.url);
  const { billing } = apiFor(event);
  const [byDay, byAgent] = await Promise.all([
    billing.usageHistory({ to: span.to, groupBy: 'day' }),
    billing.usageHistory({ ...span, groupBy: 'agent' }).then(({ data }): UsageRow[] => data, rowsOrNull),
  ]);
  return { days: dayCounts(byDay.data), byAgent: byAgent && usageByAgent(span, byAgent) };
};

/** The days as a CSV file. */
export const downloadHistory = async (event: RequestEvent): Promise<Response> => {
  const { from, to } = requestedSpan(event.url);
  try {
    const csv = await apiFor(event).billing.usageHistoryCsv({ from, to, groupBy: 'day' });
    return new Response(csv, {
      headers: {
        'content-type': 'text/csv; charset=utf-8',
        // The API has accepted both as days.
        'content-disposition': `attachment; filename="sentryagent-usage-${from}-to-${to}.csv"`,
      },
    });
  } catch (failure) {
    if (failure instanceof ApiError && failure.status === 401) redirect(303, signInPath('/usage'));
    return failPage(event, failure);
  }
};
