import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { failures, names, searchAttributes } from './contracts/index.ts';
import type {
  Activities,
  CheckoutInput,
  CheckoutRun,
  CheckoutState,
  OpenedCheckout,
  OpenedSession,
} from './contracts/index.ts';
import { checkoutEnd, nextLookMs, sessionExpiry } from './rules/checkout.ts';
import type { CheckoutEnd } from './rules/checkout.ts';

const retry = { initialInterval: '500ms', maximumInterval: '1 minute' } as const;

/** Somebody waits for this one: after a minute they are told that it failed. */
const { openCheckoutSession } = proxyActivities<Activities>({
  startToCloseTimeout: '15 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry,
});
/** These go on until they succeed: what was paid is not forgotten. */
const { readCheckoutSession, expireCheckoutSession, closeCheckout, startSubscription } =
  proxyActivities<Activities>({ startToCloseTimeout: '15 seconds', retry });

const openUpdate = defineUpdate<OpenedCheckout>(names.open);
const nudge = defineSignal(names.nudge);
const stateQuery = defineQuery<CheckoutState>(names.state);

const stateOf = (session: OpenedSession | undefined): CheckoutState => ({
  status: session ? 'open' : 'opening',
  sessionId: session?.sessionId ?? null,
  expiresAt: session?.expiresAt ?? null,
});

/** Keeps the operators' list and page in step with what the run knows. */
const show = ({ tenantId, checkoutId }: CheckoutInput, { status, expiresAt }: CheckoutState): void => {
  upsertSearchAttributes([
    { key: searchAttributes.tenantId, value: tenantId },
    { key: searchAttributes.checkoutStatus, value: status === 'opening' ? 'open' : status },
  ]);
  const words = {
    opening: 'Creating a Stripe Checkout session.',
    open: `Waiting for the customer to pay at Stripe. Expires at ${expiresAt}.`,
    completed: 'Paid. The subscription workflow is running.',
    expired: 'Closed without a payment.',
  };
  setCurrentDetails(`Checkout ${checkoutId} of ${tenantId}. ${words[status]}`);
};

/**
 * Waits for nudges, asks Stripe now and then all the same, and once more when the time is over. A customer may nudge as
 * often as its rate limit lets it: a long history goes on as a new run.
 */
const awaitEnd = async (
  key: CheckoutInput,
  session: OpenedSession,
  inbox: { nudged: boolean },
): Promise<CheckoutEnd> => {
  for (let looks = 0; ; looks++) {
    const leftMs = Date.parse(session.expiresAt) - Date.now();
    await condition(() => inbox.nudged, nextLookMs(looks, leftMs), {
      summary: 'read the session from Stripe again',
    });
    inbox.nudged = false;
    const isDue = Date.parse(session.expiresAt) <= Date.now();
    const status = await (isDue ? expireCheckoutSession : readCheckoutSession)(session);
    const end = checkoutEnd(status);
    if (end) return end;
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof checkout>({ ...key, session });
    }
  }
};

/** An operator's cancel: the page is closed first, and a payment that was faster counts. */
const endOnCancel = async (session: OpenedSession, waiting: Promise<CheckoutEnd>): Promise<CheckoutEnd> => {
  try {
    return await waiting;
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return CancellationScope.nonCancellable(async () =>
      (await expireCheckoutSession(session)) === 'complete' ? 'completed' : 'expired',
    );
  }
};

/** What the caller of `open` is told; the activity's own words stay in the history. */
const refusal = (error: unknown): ApplicationFailure => {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const isSubscribed = cause instanceof ApplicationFailure && cause.type === failures.alreadySubscribed;
  return ApplicationFailure.nonRetryable(
    'No Stripe Checkout session was created.',
    isSubscribed ? failures.alreadySubscribed : failures.sessionRefused,
  );
};

/** One attempt to become paid. Its row closes before the run ends, so a closed run never blocks a new attempt. */
export const checkout = async ({ session: before, ...input }: CheckoutRun): Promise<CheckoutEnd> => {
  // A run that goes on begins with a look, so there is no nudge to carry over.
  const inbox = { nudged: before !== undefined };
  let opened = before;
  let refused: ApplicationFailure | undefined;
  let state = stateOf(before);
  const become = (next: CheckoutState): void => {
    state = next;
    show(input, state);
  };
  setHandler(nudge, () => void (inbox.nudged = true));
  setHandler(stateQuery, () => state);
  setHandler(openUpdate, async () => {
    await condition(() => Boolean(opened ?? refused));
    if (refused) throw refused;
    return { url: opened!.url };
  });
  const end = async (status: CheckoutEnd): Promise<CheckoutEnd> => {
    if (status === 'completed') await startSubscription(input);
    await closeCheckout({ ...input, status });
    become({ ...state, status });
    return status;
  };

  show(input, state);
  try {
    opened ??= await openCheckoutSession({ ...input, expiresAt: sessionExpiry(new Date()).toISOString() });
    if (!before) become(stateOf(opened));
  } catch (error) {
    const failure = refusal(error);
    await CancellationScope.nonCancellable(() => end('expired'));
    refused = failure;
    await condition(allHandlersFinished);
    return 'expired';
  }
  const how = await endOnCancel(opened, awaitEnd(input, opened, inbox));
  const done = await CancellationScope.nonCancellable(() => end(how));
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return done;
};
