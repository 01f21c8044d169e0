import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { BatchActivities, DailyQuotaResetInput } from './contracts/index.ts';
import { untilSettleableMs } from './rules/period.ts';

/** A worker that is killed is noticed after half a minute, and another one goes on. */
const { settleUsage } = proxyActivities<BatchActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '5 minutes' },
});

const settledWords = (days: number, last: string | null): string =>
  last === null
    ? 'No day is settled yet.'
    : `${days === 1 ? '1 day' : `${days} days`} settled, up to ${last}.`;

/**
 * Settles every day that has ended and is not settled, the oldest first. The database knows how far that is, so that a
 * run can be repeated or stopped at any point.
 */
export const dailyQuotaReset = async (before: DailyQuotaResetInput = {}): Promise<string> => {
  let { days = 0, last = null, tenants = 0 } = before;
  const waitMs = untilSettleableMs(new Date());
  if (waitMs > 0) {
    setCurrentDetails('Waiting until 00:05 UTC for the last counts of the day.');
    await sleep(waitMs, { summary: 'wait for the last counts of the day' });
  }
  for (;;) {
    const part = await settleUsage();
    if (part.day === null) break;
    tenants += part.tenants;
    const progress = `${part.day}: ${tenants} tenants settled`;
    if (part.isSettled) [days, last, tenants] = [days + 1, part.day, 0];
    setCurrentDetails(`${settledWords(days, last)} ${part.isSettled ? '' : `${progress} so far.`}`.trim());
    if (workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof dailyQuotaReset>({ days, last, tenants });
    }
  }
  const result = last === null ? 'No day was left to settle.' : settledWords(days, last);
  setCurrentDetails(result);
  return result;
};
