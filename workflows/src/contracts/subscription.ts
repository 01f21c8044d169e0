import type { SubscriptionReading, SubscriptionView } from '../rules/subscription.ts';

export const subscriptionWorkflowId = (tenantId: string): string => `subscription/${tenantId}`;

export interface SubscriptionInput {
  tenantId: string;
  /** The last view of the previous run. */
  view?: SubscriptionView;
}

export interface SubscriptionActivities {
  /** Reads the tenant's subscription from Stripe and updates our row. */
  applySubscription(input: { tenantId: string }): Promise<SubscriptionReading>;
}
