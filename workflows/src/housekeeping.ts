import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { BatchActivities, DeletedBatch } from './contracts.ts';

const { deleteExpired } = proxyActivities<BatchActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', maximumInterval: '5 minutes' },
});

/** Deletes what has expired, batch by batch, until nothing of it is left. */
export const housekeeping = async (): Promise<number> => {
  let total = 0;
  for (;;) {
    const { deleted, isMore }: DeletedBatch = await deleteExpired();
    total += deleted;
    setCurrentDetails(`${total} expired rows deleted by this run.`);
    if (!isMore) return total;
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof housekeeping>();
  }
};
