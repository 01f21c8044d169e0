import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BareActivities } from './bare-contract.ts';

const { open, look, close, apply } = proxyActivities<BareActivities>({ startToCloseTimeout: '15 seconds' });

const nudge = defineSignal('nudge');
const openUpdate = defineUpdate<string>('open');

/** What a checkout is without a shop: an activity that answers the caller, a signal, two more activities. */
export const bareCheckout = async (): Promise<void> => {
  let isNudged = false;
  const url = open();
  setHandler(openUpdate, () => url);
  setHandler(nudge, () => void (isNudged = true));
  await url;
  await condition(() => isNudged);
  await look();
  await close();
};

/** What a subscription is without a shop: an activity for each signal. */
export const bareSubscription = async (id: string): Promise<void> => {
  let isNudged = false;
  setHandler(nudge, () => void (isNudged = true));
  for (;;) {
    await condition(() => isNudged);
    isNudged = false;
    await apply(id);
  }
};
