import {
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  condition,
  getExternalWorkflowHandle,
  patched,
  startChild,
  type ChildWorkflowHandle,
  type ExternalWorkflowHandle,
  type Workflow,
} from '@temporalio/workflow';
import { names, renewalReminderWorkflowId, type RenewalReminderInput } from './contracts/index.ts';
import { nextChargeAt, remindersAhead } from './rules/reminders.ts';
import type { SubscriptionView } from './rules/subscription.ts';
import type { SubscriptionRun } from './subscription-run.ts';

/** A difference of the clocks that is only the time of the read. */
const SAME_CLOCK_MS = 60_000;

/** How long a stopped reminder may take to end. */
const END_MS = 10_000;

/** Two reminders of one charge have the same id, so the next one starts after the end of the one before. */
const awaitEnd = async (reminder: ChildWorkflowHandle<Workflow>): Promise<void> => {
  let hasEnded = false;
  const end = reminder
    .result()
    .catch(() => {})
    .then(() => (hasEnded = true));
  // A reminder that hangs or is paused must not keep its subscription from being read.
  if (patched('bounded-stop')) await condition(() => hasEnded, END_MS, { summary: 'the reminder ends' });
  else await end;
};

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

/** Starts it as a child that outlives its parent. Returns `undefined` if it is running already. */
const start = async (
  run: SubscriptionRun,
  chargeAt: string,
): Promise<ChildWorkflowHandle<Workflow> | undefined> => {
  const { tenantId, offsetMs } = run;
  const input: RenewalReminderInput = { tenantId, chargeAt, offsetMs };
  try {
    return await startChild(names.renewalReminder, {
      workflowId: renewalReminderWorkflowId(tenantId, chargeAt),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      staticSummary: `Reminders of ${tenantId} for ${chargeAt.slice(0, 10)}`,
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    await tell(run, chargeAt, (reminder) => reminder.signal(names.moveClock, offsetMs));
    return undefined;
  }
};

/** The reminder of the next charge. `remindedOf` is the charge that a previous run has started one for. */
export const createReminder = (run: SubscriptionRun, remindedOf: string | null) => {
  let child: ChildWorkflowHandle<Workflow> | undefined;
  const stop = async (chargeAt: string): Promise<void> => {
    await tell(run, chargeAt, (reminder) => reminder.signal(names.stop));
    if (child) await awaitEnd(child);
    child = undefined;
    remindedOf = null;
  };
  return {
    /**
     * Moves its clock, stops it if its charge has moved, and starts the next one, unless this is the last read of the
     * run. Returns the charge that owners are reminded of.
     */
    follow: async (view: SubscriptionView, isLast: boolean): Promise<string | null> => {
      const chargeAt = nextChargeAt(view);
      if (remindedOf !== null && remindedOf !== chargeAt) await stop(remindedOf);
      if (chargeAt === null) return null;
      if (remindedOf !== null) {
        if (Math.abs(run.offsetMs) > SAME_CLOCK_MS) {
          await tell(run, chargeAt, (reminder) => reminder.signal(names.moveClock, run.offsetMs));
        }
      } else if (!isLast) {
        remindedOf = chargeAt;
        if (remindersAhead(chargeAt, Date.now() + run.offsetMs).length > 0)
          child = await start(run, chargeAt);
      }
      return remindedOf;
    },
  };
};
