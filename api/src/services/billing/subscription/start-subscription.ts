import {
  BILLING_QUEUE,
  names,
  subscriptionWorkflowId,
  type SubscriptionInput,
} from '@sentryagent/workflows/contracts';
import type { Temporal } from '../../../platform/temporal.ts';

const DEADLINE_MS = 5_000;

/**
 * Starts the tenant's `subscription` workflow, or signals the running one. It starts with a read from Stripe, so extra
 * calls are harmless.
 */
export const startSubscription = async (temporal: Temporal, tenantId: string): Promise<void> => {
  const input: SubscriptionInput = { tenantId };
  await temporal.within(DEADLINE_MS, ({ workflow }) =>
    workflow.signalWithStart(names.subscription, {
      workflowId: subscriptionWorkflowId(tenantId),
      taskQueue: BILLING_QUEUE,
      args: [input],
      signal: names.nudge,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Subscription of ${tenantId}`,
      staticDetails:
        'Updates the tenant’s tier from its Stripe subscription. Signal `nudge` to read it from Stripe now.',
    }),
  );
};
