import { ApiError } from '@sentryagent/sdk';
import type { ServerLoadEvent } from '@sveltejs/kit';
import type { FirstReport } from '#lib/usage/first-report.ts';
import { dayCounts, usageByAgent } from '#lib/usage/history.ts';
import { rangeOf, spanOf } from '#lib/usage/range.ts';
import { apiFor } from './api.ts';

/** `undefined`: the page reads its parts itself, if it needs them, and says what is unavailable. */
export const readFirstReport = async (
  event: Pick<ServerLoadEvent, 'untrack'> & Parameters<typeof apiFor>[0],
): Promise<FirstReport | undefined> => {
  // Untracked, because kit would otherwise load the session again for each new URL.
  const url = event.untrack(() => event.url);
  if (event.isDataRequest || url.pathname !== '/usage') return undefined;
  const range = event.untrack(() => rangeOf(url.searchParams.get('range')));
  try {
    const { usage, byDay, byAgent, tiers } = await apiFor(event).billing.usageReport({ range });
    const history = {
      days: dayCounts(byDay.data),
      byAgent: byAgent && usageByAgent(spanOf(range, usage), byAgent.data),
    };
    return { reading: { usage, asOf: new Date().toISOString() }, range, history, tiers };
  } catch (failure) {
    if (failure instanceof ApiError) return undefined;
    throw failure;
  }
};
