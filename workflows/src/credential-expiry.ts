import { continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { batchActivities } from './batch-activities.ts';
import type { AnnouncedPage, CredentialExpiryInput } from './contracts/index.ts';

const { announceExpiry } = batchActivities;

/** Processes the tenants page by page. The activity decides which notices are due. */
export const credentialExpiry = async ({ after = '' }: CredentialExpiryInput = {}): Promise<number> => {
  let total = 0;
  let from: string | null = after;
  while (from !== null) {
    const { next, queued }: AnnouncedPage = await announceExpiry({ after: from });
    total += queued;
    setCurrentDetails(`${total} mails queued by this run.`);
    from = next;
    if (from !== null && workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof credentialExpiry>({ after: from });
    }
  }
  return total;
};
