import type { SubscriptionReading, SubscriptionView } from '../rules/subscription.ts';

export const subscriptionWorkflowId = (tenantId: string): string => `subscription/${tenantId}`;

export interface SubscriptionInput {
  tenantId: string;
  /** The last view of the previous run. */
  view?: SubscriptionView;
  /** The charge that `renewalReminder` waits for. */
  remindedOf?: string | null;
}

/** Who asked for a change. Ids only, because histories store it. */
export interface Requester {
  kind: 'member' | 'agent' | 'system';
  id: string;
}

export interface CancellationChange {
  requestedBy?: Requester;
}

export interface ExtendedGrace extends CancellationChange {
  /** The new end of grace: an ISO 8601 instant in the future, at most 60 days ahead. */
  until: string;
}

/** The `type` of an ApplicationFailure that fails an update. */
export const subscriptionFailures = {
  /** The subscription has ended or never began. */
  notSubscribed: 'not_subscribed',
  /** The input or the state does not allow it. */
  refused: 'refused',
} as const;

export interface SubscriptionActivities {
  /** Reads the tenant's subscription from Stripe and updates our row. */
  applySubscription(input: { tenantId: string }): Promise<SubscriptionReading>;
  /**
   * Sets or removes the cancellation at the end of the period at Stripe, and writes an audit entry. `operation` is the
   * same for each attempt. Changes nothing if Stripe already has it.
   */
  changeCancellation(input: {
    tenantId: string;
    isCancelling: boolean;
    operation: string;
    requestedBy: Requester;
  }): Promise<void>;
  /** Stores a later end of grace at Stripe, and writes an audit entry. */
  extendGrace(input: {
    tenantId: string;
    until: string;
    operation: string;
    requestedBy: Requester;
  }): Promise<void>;
}
