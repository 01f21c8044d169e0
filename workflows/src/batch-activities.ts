import { proxyActivities } from '@temporalio/workflow';
import type { BatchActivities } from './contracts/index.ts';

/** Nobody waits for these: they are tried again for as long as it takes. */
export const batchActivities = proxyActivities<BatchActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', maximumInterval: '5 minutes' },
});
