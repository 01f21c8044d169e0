import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { names, searchAttributes, type Activities, type SubscriptionInput } from './contracts/index.ts';
import { describeView, nextStep, viewOf, type SubscriptionView } from './rules/subscription.ts';

const { applySubscription } = proxyActivities<Activities>({
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '500ms', maximumInterval: '1 minute' },
});

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

/**
 * One workflow per paying tenant: read the subscription from Stripe, apply it, wait for a signal or the next date. It
 * continues as new in each billing period. The new run starts with a read, so pending signals need not be carried over.
 */
export const subscription = async ({
  tenantId,
  view: before,
}: SubscriptionInput): Promise<SubscriptionView> => {
  let nudged = false;
  let view = before;
  let periodEnd = before?.periodEnd;
  setHandler(nudge, () => void (nudged = true));
  setHandler(stateQuery, () => view ?? null);
  for (;;) {
    nudged = false;
    const reading = await applySubscription({ tenantId });
    const seen = viewOf(reading.subscription);
    show(tenantId, seen, view);
    view = seen;
    periodEnd ??= view.periodEnd;
    const step = nextStep(reading, tenantId);
    if (step.kind === 'end') {
      if (!nudged) return view;
    } else if (periodEnd !== view.periodEnd || workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof subscription>({ tenantId, view });
    } else {
      await condition(() => nudged, step.ms, { summary: step.why });
    }
  }
};
