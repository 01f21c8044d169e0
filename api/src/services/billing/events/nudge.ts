import { WorkflowNotFoundError } from '@temporalio/client';
import { checkoutWorkflowId, names, subscriptionWorkflowId } from '@sentryagent/workflows/contracts';
import type { Temporal } from '../../../platform/temporal.ts';

/** A signal is one fast call. If it takes longer, retry later. */
const DEADLINE_MS = 2_000;

/** Returns whether the workflow was running. */
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

/** Signals the checkout workflow to read from Stripe. Returns false if it is not running. */
export const nudgeCheckout = (temporal: Temporal, tenantId: string, checkoutId: string): Promise<boolean> =>
  signal(temporal, checkoutWorkflowId(tenantId, checkoutId));

/** Signals the subscription workflow to read from Stripe. A late event does not restart a completed workflow. */
export const nudgeSubscription = (temporal: Temporal, tenantId: string): Promise<boolean> =>
  signal(temporal, subscriptionWorkflowId(tenantId));
