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
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { awaitedActivities, billingActivities } from './billing-activities.ts';
import {
  failures,
  names,
  searchAttributes,
  type CheckoutInput,
  type CheckoutRun,
  type CheckoutState,
  type OpenedCheckout,
  type OpenedSession,
} from './contracts/index.ts';
import { checkoutEnd, nextLookMs, sessionExpiry, type CheckoutEnd } from './rules/checkout.ts';

const { openCheckoutSession } = awaitedActivities;
const { readCheckoutSession, expireCheckoutSession, showProcessing, closeCheckout, startSubscription } =
  billingActivities;

const openUpdate = defineUpdate<OpenedCheckout>(names.open);
const nudge = defineSignal(names.nudge);
const stateQuery = defineQuery<CheckoutState>(names.state);

const stateOf = (session: OpenedSession | undefined): CheckoutState => ({
  status: session ? 'open' : 'opening',
  sessionId: session?.sessionId ?? null,
  expiresAt: session?.expiresAt ?? null,
});

/** Updates the search attributes and details that operators see in the Temporal UI. */
const show = ({ tenantId, checkoutId }: CheckoutInput, { status, expiresAt }: CheckoutState): void => {
  upsertSearchAttributes([
    { key: searchAttributes.tenantId, value: tenantId },
    { key: searchAttributes.checkoutStatus, value: status === 'opening' ? 'open' : status },
  ]);
  const words = {
    opening: 'Creating a Stripe Checkout session.',
    open: `Waiting for the customer to pay at Stripe. Expires at ${expiresAt}.`,
    processing: 'The customer has confirmed the payment. The bank settles it later.',
    completed: 'Paid. The subscription workflow is running.',
    failed: 'The bank did not settle the payment.',
    expired: 'Closed without a payment.',
  };
  setCurrentDetails(`Checkout ${checkoutId} of ${tenantId}. ${words[status]}`);
};

/**
 * Reads the session from Stripe after each signal, at growing intervals, and when the session expires. A customer can
 * cause signals up to the rate limit, so a long history continues as new.
 */
const awaitEnd = async (
  key: CheckoutInput,
  session: OpenedSession,
  inbox: { nudged: boolean },
  become: (status: 'processing') => void,
): Promise<CheckoutEnd> => {
  let isProcessing = false;
  for (let looks = 0; ; looks++) {
    const leftMs = Date.parse(session.expiresAt) - Date.now();
    await condition(() => inbox.nudged, nextLookMs(looks, leftMs, isProcessing), {
      summary: 'read the session from Stripe again',
    });
    inbox.nudged = false;
    const isDue = Date.parse(session.expiresAt) <= Date.now();
    const status = await (isDue ? expireCheckoutSession : readCheckoutSession)(session);
    const end = checkoutEnd(status);
    if (end) return end;
    if (status === 'processing' && !isProcessing) {
      isProcessing = true;
      await showProcessing(key);
      become('processing');
    }
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof checkout>({ ...key, session });
    }
  }
};

/**
 * If an operator cancels the workflow, expires the session first. A payment that was faster counts, and one that settles
 * later is waited for.
 */
const endOnCancel = async (
  session: OpenedSession,
  wait: () => Promise<CheckoutEnd>,
): Promise<CheckoutEnd> => {
  try {
    return await wait();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return CancellationScope.nonCancellable(
      async () => checkoutEnd(await expireCheckoutSession(session)) ?? wait(),
    );
  }
};

/** The error that `open` returns to its caller. The details of the activity stay in the history. */
const refusal = (error: unknown): ApplicationFailure => {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  const isKnown = type === failures.alreadySubscribed || type === failures.paymentProcessing;
  return ApplicationFailure.nonRetryable(
    'No Stripe Checkout session was created.',
    isKnown ? type : failures.sessionRefused,
  );
};

/** One checkout. Its row closes before the workflow does, so a closed workflow never blocks a new checkout. */
export const checkout = async ({ session: before, ...input }: CheckoutRun): Promise<CheckoutEnd> => {
  // A continued run starts with a read, so pending signals need not be carried over.
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
  const session = opened;
  const how = await endOnCancel(session, () =>
    awaitEnd(input, session, inbox, (status) => become({ ...state, status })),
  );
  const done = await CancellationScope.nonCancellable(() => end(how));
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return done;
};

// A checkout is short, so it ends on the version that it began with. The others move to the current version. Temporal
// refuses each task of an unversioned worker that names a behavior.
setWorkflowOptions(
  () => (workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'PINNED' } : {}),
  checkout,
);
