import { continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { batchActivities } from './batch-activities.ts';
import type { DeletedBatch } from './contracts/index.ts';

const { deleteExpired } = batchActivities;

/** Deletes expired rows in batches until none is left. */
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
