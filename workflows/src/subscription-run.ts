import type { SubscriptionView } from './rules/subscription.ts';

/** What a run knows. Its handlers and its loop share it. */
export interface SubscriptionRun {
  tenantId: string;
  nudged: boolean;
  view: SubscriptionView | undefined;
  /** The number of reads that have begun and that have ended. */
  begun: number;
  ended: number;
  /** The time of Stripe's clock minus ours. */
  offsetMs: number;
}
