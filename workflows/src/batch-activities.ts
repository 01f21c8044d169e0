import { proxyActivities } from '@temporalio/workflow';
import type { BatchActivities } from './contracts/index.ts';

/** No user waits for these activities, so they retry without a limit. */
export const batchActivities = proxyActivities<BatchActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', maximumInterval: '5 minutes' },
});
