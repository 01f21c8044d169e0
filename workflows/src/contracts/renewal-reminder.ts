import type { ReminderDays } from '../rules/reminders.ts';

export const renewalReminderWorkflowId = (tenantId: string, chargeAt: string): string =>
  `renewal-reminder/${tenantId}/${chargeAt}`;

export interface RenewalReminderInput {
  tenantId: string;
  /** The time of the charge, by Stripe's clock. */
  chargeAt: string;
  /** The time of Stripe's clock minus ours, in milliseconds. Not 0 only for customers with a test clock. */
  offsetMs: number;
}

export interface RenewalReminderActivities {
  /**
   * Reads the subscription from Stripe and mails the owners once, if it is still charged at this time. Returns whether
   * it is.
   */
  remindOwners(input: { tenantId: string; chargeAt: string; days: ReminderDays }): Promise<boolean>;
}
