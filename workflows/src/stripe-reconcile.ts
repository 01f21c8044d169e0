import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { BatchActivities, ReconcileInput } from './contracts/index.ts';

const { reconcileStripe, reconcilePaidTenants } = proxyActivities<BatchActivities>({
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1s', maximumInterval: '1 minute' },
});

/** Compares every subscription at Stripe with our rows, page by page, and nudges the tenants that differ. */
export const stripeReconcile = async ({ after = null, ...before }: ReconcileInput): Promise<string> => {
  let [compared, drifted] = [before.compared ?? 0, before.drifted ?? 0];
  for (let page = after; ;) {
    const seen = await reconcileStripe({ after: page });
    compared += seen.compared;
    drifted += seen.drifted;
    if (seen.next === null) break;
    page = seen.next;
    if (workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof stripeReconcile>({ after: page, compared, drifted });
    }
  }
  drifted += await reconcilePaidTenants();
  const result = `Compared ${compared} subscriptions, nudged ${drifted} tenants.`;
  setCurrentDetails(result);
  return result;
};
