import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from './contracts/index.ts';

const startToCloseTimeout = '15 seconds';
const initialInterval = '500ms';

/** No user waits for these activities, so they retry without a limit: a customer may have paid. */
export const billingActivities = proxyActivities<Activities>({
  startToCloseTimeout,
  retry: { initialInterval, maximumInterval: '1 minute' },
});

/** A user waits for these activities, so they fail after a minute. */
export const awaitedActivities = proxyActivities<Activities>({
  startToCloseTimeout,
  scheduleToCloseTimeout: '1 minute',
  retry: { initialInterval, maximumInterval: '10 seconds' },
});
