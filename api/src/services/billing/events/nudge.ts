import { WorkflowNotFoundError } from '@temporalio/client';
import { checkoutWorkflowId, names, subscriptionWorkflowId } from '@sentryagent/workflows/contracts';
import type { Temporal } from '../../../platform/temporal.ts';

/** A signal is one quick call; who waits behind it would rather try again. */
const DEADLINE_MS = 2_000;

/** Whether a run was there to be told. */
const signal = (temporal: Temporal, workflowId: string): Promise<boolean> =>
  temporal.within(DEADLINE_MS, async ({ workflow }) => {
    try {
      await workflow.getHandle(workflowId).signal(names.nudge);
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  });

/** Tells the checkout to look at Stripe; false where its run is not there any more. */
export const nudgeCheckout = (temporal: Temporal, tenantId: string, checkoutId: string): Promise<boolean> =>
  signal(temporal, checkoutWorkflowId(tenantId, checkoutId));

/** Tells the subscription to look at Stripe. A late event does not raise one that has ended. */
export const nudgeSubscription = (temporal: Temporal, tenantId: string): Promise<boolean> =>
  signal(temporal, subscriptionWorkflowId(tenantId));
