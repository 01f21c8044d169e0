import { ApiError } from '@sentryagent/sdk';
import type { UsageRow } from '@sentryagent/sdk';
import { error, redirect } from '@sveltejs/kit';
import type { RequestEvent } from '@sveltejs/kit';
import { signInPath } from '#lib/navigation/safe-redirect.ts';
import { dayCounts, tokensByAgent } from '#lib/usage/history.ts';
import type { History } from '#lib/usage/history.ts';
import { apiFor, forwardedHeaders } from './api.ts';
import { config } from './config.ts';

const TIMEOUT_MS = 10_000;

const spanOf = ({ searchParams }: URL) => ({
  from: searchParams.get('from') ?? '',
  to: searchParams.get('to') ?? '',
});

/** The API refuses to list too many agents. */
const rowsOrNull = (failure: unknown): null => {
  if (failure instanceof ApiError && failure.status === 400) return null;
  throw failure;
};

/** The 30 days until `to`, and the tokens by agent since `from`. */
export const readHistory = async (event: RequestEvent): Promise<History> => {
  const span = spanOf(event.url);
  const { billing } = apiFor(event);
  const [byDay, byAgent] = await Promise.all([
    billing.usageHistory({ to: span.to, groupBy: 'day' }),
    billing.usageHistory({ ...span, groupBy: 'agent' }).then(({ data }): UsageRow[] => data, rowsOrNull),
  ]);
  return { days: dayCounts(byDay.data), byAgent: byAgent && tokensByAgent(span, byAgent) };
};

/** Streams the API's CSV of the days, with the session of this request. */
export const downloadHistory = async (event: RequestEvent): Promise<Response> => {
  const { from, to } = spanOf(event.url);
  const query = new URLSearchParams({ from, to, groupBy: 'day' });
  const answer = await fetch(`${config.apiUrl}/billing/usage?${query}`, {
    headers: { ...forwardedHeaders(event), accept: 'text/csv' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null);
  if (answer?.status === 401) redirect(303, signInPath('/usage'));
  if (answer?.status === 400) error(400, 'These days are not valid. Download the CSV from the Usage page.');
  if (!answer?.ok) error(503, 'The CSV is unavailable. Try again in a moment.');
  return new Response(answer.body, {
    headers: {
      'content-type': answer.headers.get('content-type') ?? 'text/csv',
      // The API has accepted both as days.
      'content-disposition': `attachment; filename="usage-${from}-to-${to}.csv"`,
    },
  });
};
