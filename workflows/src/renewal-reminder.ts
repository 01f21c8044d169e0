import { condition, defineSignal, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { billingActivities } from './billing-activities.ts';
import { names, type RenewalReminderInput } from './contracts/index.ts';
import { remindersAhead, untilReminderMs, type ReminderDays } from './rules/reminders.ts';

const { remindOwners } = billingActivities;

const moveClock = defineSignal<[number]>(names.moveClock);
const stop = defineSignal(names.stop);

const STOPPED = 'Stopped: the charge has moved or is cancelled.';

const daysBefore = (days: ReminderDays): string => (days === 1 ? '1 day before' : `${days} days before`);

/**
 * Mails the owners 7 days and 1 day before one charge. `subscription` starts it, moves its clock, and stops it if the
 * charge moves or is cancelled. Each mail is queued once, however often a run repeats it.
 */
export const renewalReminder = async ({
  tenantId,
  chargeAt,
  offsetMs,
}: RenewalReminderInput): Promise<void> => {
  let offset = offsetMs;
  let isStopped = false;
  // An operator can send anything, and a timer needs a number.
  setHandler(moveClock, (to) => void (offset = Number.isFinite(to) ? to : offset));
  setHandler(stop, () => void (isStopped = true));
  const stripeNow = (): number => Date.now() + offset;
  for (const days of remindersAhead(chargeAt, stripeNow())) {
    setCurrentDetails(`Charge of ${tenantId} at ${chargeAt}. The next mail goes out ${daysBefore(days)}.`);
    for (;;) {
      const waitMs = untilReminderMs(chargeAt, days, stripeNow());
      if (isStopped) return setCurrentDetails(STOPPED);
      if (waitMs <= 0) break;
      const known = offset;
      const summary = `mail ${daysBefore(days)} ${chargeAt}`;
      await condition(() => isStopped || offset !== known, waitMs, { summary });
    }
    if (!(await remindOwners({ tenantId, chargeAt, days }))) return setCurrentDetails(STOPPED);
  }
  setCurrentDetails(`All mails about the charge at ${chargeAt} are queued.`);
};
