import { DAY_MS } from './durations.ts';
import type { SubscriptionView } from './subscription.ts';

/** Days before a charge. */
export const reminderDays = [7, 1] as const;

export type ReminderDays = (typeof reminderDays)[number];

/** The time of the next charge: a renewal, or the end of a trial. `null` if there is none. */
export const nextChargeAt = ({ status, renewsAt, endsAt, isCancelling }: SubscriptionView): string | null =>
  renewsAt ?? (status === 'trial' && !isCancelling ? endsAt : null);

const dueMs = (chargeAt: string, days: ReminderDays): number => Date.parse(chargeAt) - days * DAY_MS;

/** The reminders that are still to be sent. One whose time has passed when the workflow starts is left out. */
export const remindersAhead = (chargeAt: string, stripeNowMs: number): ReminderDays[] =>
  reminderDays.filter((days) => dueMs(chargeAt, days) >= stripeNowMs);

/** How long to wait for this reminder. 0 or less: it is due. */
export const untilReminderMs = (chargeAt: string, days: ReminderDays, stripeNowMs: number): number =>
  dueMs(chargeAt, days) - stripeNowMs;
