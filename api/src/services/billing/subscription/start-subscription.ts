import {
  BILLING_QUEUE,
  names,
  subscriptionWorkflowId,
  type SubscriptionInput,
} from '@sentryagent/workflows/contracts';
import type { Temporal } from '../../../platform/temporal.ts';

const DEADLINE_MS = 5_000;

export const subscriptionOptions = (tenantId: string) => ({
  workflowId: subscriptionWorkflowId(tenantId),
  taskQueue: BILLING_QUEUE,
  args: [{ tenantId }] as [SubscriptionInput],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  staticSummary: `Subscription of ${tenantId}`,
  staticDetails:
    'Updates the tenant’s tier from its Stripe subscription. Signal `nudge` to read it from Stripe now.',
});

/**
 * Starts the tenant's `subscription` workflow, or signals the running one. It starts with a read from Stripe, so extra
 * calls are harmless.
 */
export const startSubscription = async (temporal: Temporal, tenantId: string): Promise<void> => {
  await temporal.within(DEADLINE_MS, ({ workflow }) =>
    workflow.signalWithStart(names.subscription, { ...subscriptionOptions(tenantId), signal: names.nudge }),
  );
};
