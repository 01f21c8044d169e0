import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineUpdate,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import { awaitedActivities } from './billing-activities.ts';
import {
  names,
  subscriptionFailures,
  type CancellationChange,
  type ExtendedGrace,
  type Requester,
} from './contracts/index.ts';
import { DAY_MS } from './rules/durations.ts';
import type { SubscriptionView } from './rules/subscription.ts';
import type { SubscriptionRun } from './subscription-run.ts';

const { changeCancellation, extendGrace } = awaitedActivities;

const cancelUpdate = defineUpdate<SubscriptionView, [CancellationChange | undefined]>(names.cancel);
const resumeUpdate = defineUpdate<SubscriptionView, [CancellationChange | undefined]>(names.resume);
const extendGraceUpdate = defineUpdate<SubscriptionView, [ExtendedGrace]>(names.extendGrace);
const resyncUpdate = defineUpdate<SubscriptionView>(names.resync);

const LONGEST_GRACE_DAYS = 60;
const GIVE_UNTIL = 'Give `until` as a date: {"until": "2026-12-24T00:00:00Z"}.';
const OPERATOR: Requester = { kind: 'system', id: 'operator' };
const KINDS: readonly unknown[] = ['member', 'agent', 'system'] satisfies Requester['kind'][];

const refuse = (reason: string, type: string = subscriptionFailures.refused): ApplicationFailure =>
  ApplicationFailure.nonRetryable(reason, type);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isRequester = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).every((name) => name === 'kind' || name === 'id') &&
  KINDS.includes(value.kind) &&
  typeof value.id === 'string' &&
  /^[\w-]{1,64}$/.test(value.id);

/**
 * An operator can send anything. A handler that throws a TypeError fails the task of the workflow, and a requester that
 * the audit log cannot store would be found only after the change at Stripe.
 */
const checkInput = (input: unknown): void => {
  if (input === undefined) return;
  if (!isObject(input)) throw refuse('Give the input as a JSON object, or none.');
  if (input.requestedBy === undefined || isRequester(input.requestedBy)) return;
  throw refuse('Leave `requestedBy` out, or give it as {"kind": "member", "id": "usr_…"}.');
};

/** Before the first read, nothing is known. The handler then checks again after it. */
const requireSubscription = ({ view }: SubscriptionRun): void => {
  if (!view) return;
  if (view.subscriptionId !== null && view.status !== 'cancelled') return;
  throw refuse('The tenant has no subscription, or it has ended.', subscriptionFailures.notSubscribed);
};

const checkGraceInput = (input: Partial<ExtendedGrace> | undefined): void => {
  checkInput(input);
  if (typeof input?.until === 'string') return;
  throw refuse(GIVE_UNTIL);
};

const checkGrace = (run: SubscriptionRun, change: ExtendedGrace | undefined): void => {
  requireSubscription(run);
  const until = Date.parse(change?.until ?? '');
  const now = Date.now() + run.offsetMs;
  if (Number.isNaN(until)) throw refuse(GIVE_UNTIL);
  if (until <= now) throw refuse(`The date ${change!.until} is in the past. Give a later one.`);
  if (until > now + LONGEST_GRACE_DAYS * DAY_MS) {
    throw refuse(
      `The date ${change!.until} is more than ${LONGEST_GRACE_DAYS} days ahead. Give an earlier one.`,
    );
  }
  const status = run.view?.status;
  if (status === undefined || status === 'past_due' || status === 'payment_failed') return;
  throw refuse(`No payment has failed: the subscription is ${status}.`);
};

/** Waits for a read from Stripe that begins after this call. */
const readAgain = async (run: SubscriptionRun): Promise<SubscriptionView> => {
  const read = run.begun + 1;
  run.nudged = true;
  await condition(() => run.ended >= read);
  return run.view!;
};

/**
 * What the caller gets. The details of the activity stay in the history. Only an error that is not retried says that
 * nothing has changed: after any other, Stripe may have made the change, or the database may lack its audit entry.
 */
const toRefusal = (error: unknown): unknown => {
  if (!(error instanceof ActivityFailure)) return error;
  const { cause } = error;
  const isFinal = cause instanceof ApplicationFailure && cause.nonRetryable === true;
  return refuse(
    isFinal
      ? 'Stripe did not accept the change. Nothing has changed.'
      : 'The change was not confirmed within a minute. Stripe may have made it: send `resync` to see, and repeat the change if not.',
  );
};

/**
 * The updates of `subscription`. Each takes effect at Stripe first, and returns the view of a read after that. One
 * change is made at a time, so a repeated one finds its work done.
 */
export const handleUpdates = (run: SubscriptionRun): void => {
  let isChanging = false;
  const change = async (
    check: () => void,
    isDone: (view: SubscriptionView) => boolean,
    act: (operation: string) => Promise<void>,
  ): Promise<SubscriptionView> => {
    // Several calls can be woken at once, and only the first may go on.
    while (isChanging || run.ended === 0) await condition(() => run.ended > 0 && !isChanging);
    check();
    if (isDone(run.view!)) return run.view!;
    isChanging = true;
    try {
      await act(`${names.subscription}/${run.tenantId}/${uuid4()}`);
      return await readAgain(run);
    } catch (error) {
      throw toRefusal(error);
    } finally {
      isChanging = false;
    }
  };
  const setCancelling = (isCancelling: boolean, { requestedBy = OPERATOR }: CancellationChange = {}) =>
    change(
      () => requireSubscription(run),
      (view) => view.isCancelling === isCancelling,
      (operation) => changeCancellation({ tenantId: run.tenantId, isCancelling, operation, requestedBy }),
    );
  const validator = (input: CancellationChange | undefined): void => {
    checkInput(input);
    requireSubscription(run);
  };
  setHandler(cancelUpdate, (input) => setCancelling(true, input), { validator });
  setHandler(resumeUpdate, (input) => setCancelling(false, input), { validator });
  setHandler(
    extendGraceUpdate,
    (input) =>
      change(
        () => checkGrace(run, input),
        () => false,
        (operation) =>
          extendGrace({
            tenantId: run.tenantId,
            until: new Date(input.until).toISOString(),
            operation,
            requestedBy: input.requestedBy ?? OPERATOR,
          }),
      ),
    {
      validator: (input) => {
        checkGraceInput(input);
        checkGrace(run, input);
      },
    },
  );
  setHandler(resyncUpdate, () => readAgain(run));
};
