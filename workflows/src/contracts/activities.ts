import type { CheckoutActivities } from './checkout.ts';
import type { CredentialExpiryActivities } from './credential-expiry.ts';
import type { DailyQuotaResetActivities } from './daily-quota-reset.ts';
import type { HousekeepingActivities } from './housekeeping.ts';
import type { KeyRotationActivities } from './key-rotation.ts';
import type { RenewalReminderActivities } from './renewal-reminder.ts';
import type { StripeReconcileActivities } from './stripe-reconcile.ts';
import type { SubscriptionActivities } from './subscription.ts';

/** The activities of the billing queue. Each can run twice. No input has a secret, because histories store it. */
export type Activities = CheckoutActivities & SubscriptionActivities & RenewalReminderActivities;

/** The activities of the batch queue. The same rules apply. */
export type BatchActivities = CredentialExpiryActivities &
  KeyRotationActivities &
  HousekeepingActivities &
  DailyQuotaResetActivities &
  StripeReconcileActivities;
