import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { billingActivities } from './billing-activities.ts';
import { names, searchAttributes, type SubscriptionInput } from './contracts/index.ts';
import { describeView, nextStep, viewOf, type SubscriptionView } from './rules/subscription.ts';
import { createReminder } from './subscription-reminder.ts';
import type { SubscriptionRun } from './subscription-run.ts';
import { handleUpdates } from './subscription-updates.ts';

const { applySubscription } = billingActivities;

const nudge = defineSignal(names.nudge);
const stateQuery = defineQuery<SubscriptionView | null>(names.state);

/** Upserts search attributes only after a change, because each upsert costs an event and a write. */
const show = (tenantId: string, view: SubscriptionView, before: SubscriptionView | undefined): void => {
  setCurrentDetails(describeView(view));
  if (before && JSON.stringify(before) === JSON.stringify(view)) return;
  upsertSearchAttributes([
    { key: searchAttributes.tenantId, value: tenantId },
    { key: searchAttributes.tier, value: view.tier },
    { key: searchAttributes.subscriptionStatus, value: view.status },
    { key: searchAttributes.renewsAt, value: view.renewsAt ? new Date(view.renewsAt) : null },
  ]);
};

/** Reads the subscription from Stripe, applies it, and shows it. */
const read = async (run: SubscriptionRun) => {
  run.nudged = false;
  run.begun += 1;
  const { tenantId } = run;
  const reading = await applySubscription({ tenantId });
  const view = viewOf(reading);
  show(tenantId, view, run.view);
  run.view = view;
  run.ended = run.begun;
  run.offsetMs = Date.parse(reading.stripeNow) - Date.now();
  return { view, step: nextStep(reading, tenantId) };
};

/**
 * One workflow per paying tenant: read the subscription from Stripe, apply it, wait for a signal or the next date. It
 * continues as new in each billing period. The new run starts with a read, so pending signals need not be carried over.
 */
export const subscription = async (input: SubscriptionInput): Promise<SubscriptionView> => {
  const { tenantId } = input;
  const run: SubscriptionRun = { tenantId, nudged: false, view: input.view, begun: 0, ended: 0, offsetMs: 0 };
  let periodEnd = input.view?.periodEnd;
  const reminder = createReminder(run, input.remindedOf ?? null);
  let remindedOf = input.remindedOf ?? null;
  setHandler(nudge, () => void (run.nudged = true));
  setHandler(stateQuery, () => run.view ?? null);
  handleUpdates(run);
  // A new run has no details of its own until its first read, which waits for as long as Stripe is unavailable.
  if (run.view) setCurrentDetails(describeView(run.view));
  for (;;) {
    const { view, step } = await read(run);
    periodEnd ??= view.periodEnd;
    const isLast = periodEnd !== view.periodEnd || workflowInfo().continueAsNewSuggested;
    // The next run starts the reminder of its own period.
    if (patched('renewal-reminder')) remindedOf = await reminder.follow(view, isLast);
    if (step.kind === 'wait' && !isLast) {
      await condition(() => run.nudged, step.ms, { summary: step.why });
      continue;
    }
    if (step.kind === 'end' && run.nudged) continue;
    // An update in progress waits for a read that begins after its change.
    if (!allHandlersFinished()) {
      await condition(() => run.nudged || allHandlersFinished());
      if (run.nudged) continue;
    }
    if (step.kind === 'end') return view;
    return continueAsNew<typeof subscription>({ tenantId, view, remindedOf });
  }
};
