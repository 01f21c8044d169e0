import {
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  getExternalWorkflowHandle,
  startChild,
  type ExternalWorkflowHandle,
} from '@temporalio/workflow';
import { names, renewalReminderWorkflowId, type RenewalReminderInput } from './contracts/index.ts';
import { nextChargeAt, remindersAhead } from './rules/reminders.ts';
import type { SubscriptionView } from './rules/subscription.ts';
import type { SubscriptionRun } from './subscription.ts';

/** A difference of the clocks that is only the time of the read. */
const SAME_CLOCK_MS = 60_000;

/** A reminder that has ended needs no signal. */
const tell = async (
  { tenantId }: SubscriptionRun,
  chargeAt: string,
  send: (reminder: ExternalWorkflowHandle) => Promise<void>,
): Promise<void> => {
  try {
    await send(getExternalWorkflowHandle(renewalReminderWorkflowId(tenantId, chargeAt)));
  } catch {
    // Not running.
  }
};

const start = async (run: SubscriptionRun, chargeAt: string): Promise<void> => {
  const { tenantId, offsetMs } = run;
  const input: RenewalReminderInput = { tenantId, chargeAt, offsetMs };
  try {
    await startChild(names.renewalReminder, {
      workflowId: renewalReminderWorkflowId(tenantId, chargeAt),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      staticSummary: `Reminders of ${tenantId} for ${chargeAt.slice(0, 10)}`,
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    await tell(run, chargeAt, (reminder) => reminder.signal(names.moveClock, offsetMs));
  }
};

/**
 * Starts the reminder of the next charge, moves its clock, or stops it. Returns the charge that it waits for, or `null`.
 */
export const followReminder = async (
  run: SubscriptionRun,
  view: SubscriptionView,
  remindedOf: string | null,
): Promise<string | null> => {
  const chargeAt = nextChargeAt(view);
  if (chargeAt !== null && chargeAt === remindedOf) {
    if (Math.abs(run.offsetMs) > SAME_CLOCK_MS) {
      await tell(run, chargeAt, (reminder) => reminder.signal(names.moveClock, run.offsetMs));
    }
    return chargeAt;
  }
  if (remindedOf !== null) await tell(run, remindedOf, (reminder) => reminder.signal(names.stop));
  if (chargeAt === null) return null;
  if (remindersAhead(chargeAt, Date.now() + run.offsetMs).length > 0) await start(run, chargeAt);
  return chargeAt;
};
