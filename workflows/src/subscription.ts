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
import { names, searchAttributes } from './contracts/index.ts';
import type { Activities, SubscriptionInput } from './contracts/index.ts';
import { describeView, nextStep, viewOf } from './rules/subscription.ts';
import type { SubscriptionView } from './rules/subscription.ts';

const { applySubscription } = proxyActivities<Activities>({
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '500ms', maximumInterval: '1 minute' },
});

const nudge = defineSignal(names.nudge);
const stateQuery = defineQuery<SubscriptionView | null>(names.state);

/** Search attributes cost an event and a write each time: only where something has changed. */
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
 * One entity per paying tenant: look at Stripe, apply what it says, wait for a nudge or the next date. A run lasts for
 * one period of the subscription. The next run begins with a look, so there is no nudge to carry over.
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
