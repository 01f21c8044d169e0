import { nextChargeAt } from '@sentryagent/workflows/rules/reminders';
import {
  chooseSubscription,
  isInCatalogue,
  viewOf,
  type StripeStatus,
  type StripeSubscription,
  type SubscriptionReading,
} from '@sentryagent/workflows/rules/subscription';
import type { Stripe } from '../../../platform/stripe.ts';
import type { StripeDeps } from '../stripe-deps.ts';
import { isMissing } from '../stripe-errors.ts';
import { idOf, isoOf } from '../stripe-values.ts';
import {
  readCard,
  readFailures,
  readNextCharge,
  type Card,
  type Charge,
  type Failure,
} from './read-payments.ts';

export interface FoundSubscription extends StripeSubscription {
  /** Whether it was cancelled for the end of its period, and not for a date. */
  endsWithPeriod: boolean;
  testClock: string | null;
  /** The payment method of the subscription. `null`: that of the customer. */
  paymentMethod: string | null;
}

/** What is shown to the tenant and never in a workflow, and what the mails about failed payments say. */
interface Payments {
  card: Card | null;
  nextCharge: Charge | null;
  failures: readonly Failure[];
}

export type FullReading = SubscriptionReading & Payments;

/** When Stripe charges next. `null`: not, as far as we know. */
export const chargeTimeOf = (reading: SubscriptionReading): string | null =>
  reading.subscription?.nextChargeAt === null ? null : nextChargeAt(viewOf(reading));

type ReadDeps = Pick<StripeDeps, 'stripe' | 'clock'>;

const isoOrNull = (seconds: number | null): string | null => (seconds === null ? null : isoOf(seconds));

/** Set by `extendGrace`, or by hand at Stripe. */
const graceUntilOf = ({ grace_until: until = '' }: Stripe.Metadata): string | null =>
  Number.isNaN(Date.parse(until)) ? null : new Date(until).toISOString();

/** The items have the periods, which can differ. An operator can add items: that of our price decides. */
const itemOf = ({ items }: Stripe.Subscription): Stripe.SubscriptionItem | undefined =>
  items.data.find(({ price }) => isInCatalogue(price.lookup_key)) ?? items.data[0];

/** Our checkout names the tenant in the metadata. An operator can also sell our price by hand. */
const isOurs = ({ metadata, items }: Stripe.Subscription): boolean =>
  metadata.tenant_id !== undefined || items.data.some(({ price }) => isInCatalogue(price.lookup_key));

/**
 * The end of the period or of the trial, in seconds, if it is charged then. A subscription with paused payments stays
 * active.
 */
const chargeOf = (
  { status, trial_end: trialEnd, pause_collection: pause }: Stripe.Subscription,
  periodEnd: number,
  cancelAt: number | null,
): number | null => {
  const at = status === 'trialing' ? (trialEnd ?? periodEnd) : periodEnd;
  const isPaused = Boolean(pause) && (pause!.resumes_at ?? Infinity) > at;
  return isPaused || (cancelAt !== null && cancelAt <= at) ? null : at;
};

export const take = (subscription: Stripe.Subscription): FoundSubscription => {
  const { created, cancel_at_period_end: endsWithPeriod } = subscription;
  const item = itemOf(subscription);
  const periodEnd = item?.current_period_end ?? created;
  const cancelAt = subscription.cancel_at ?? (endsWithPeriod ? periodEnd : null);
  return {
    id: subscription.id,
    status: subscription.status as StripeStatus,
    createdAt: isoOf(created),
    periodStart: isoOf(item?.current_period_start ?? created),
    periodEnd: isoOf(periodEnd),
    trialEnd: isoOrNull(subscription.trial_end),
    cancelAt: isoOrNull(cancelAt),
    failedAt: null,
    graceUntil: graceUntilOf(subscription.metadata),
    lookupKey: item?.price.lookup_key ?? null,
    isOurs: isOurs(subscription),
    nextChargeAt: isoOrNull(chargeOf(subscription, periodEnd, cancelAt)),
    endsWithPeriod,
    testClock: idOf(subscription.test_clock),
    paymentMethod: idOf(subscription.default_payment_method),
  };
};

/**
 * All subscriptions of the customer, including ended ones. Stripe lists the newest first, so a live one is on the first
 * page.
 */
export const listSubscriptions = async (stripe: Stripe, customer: string): Promise<FoundSubscription[]> =>
  (await stripe.subscriptions.list({ customer, status: 'all', limit: 100 })).data.map(take);

/** The subscription that decides the tier. A customer that the Stripe account does not have has none. */
export const findSubscription = async (
  stripe: Stripe,
  customer: string,
): Promise<FoundSubscription | null> => {
  try {
    return chooseSubscription(await listSubscriptions(stripe, customer));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

/** The time of the subscription's test clock, if it has one. */
const readNow = async ({ stripe, clock }: ReadDeps, testClock: string | null): Promise<string> => {
  if (testClock === null) return clock().toISOString();
  try {
    return isoOf((await stripe.testHelpers.testClocks.retrieve(testClock)).frozen_time);
  } catch (error) {
    if (isMissing(error)) return clock().toISOString();
    throw error;
  }
};

const NOTHING: Payments = { card: null, nextCharge: null, failures: [] };

/**
 * Reads the deciding subscription from Stripe, the time of the customer's clock, and the payments. A tenant without a
 * customer has no subscription.
 */
export const readSubscription = async (
  deps: ReadDeps,
  customer: string | null | undefined,
): Promise<FullReading> => {
  const { stripe } = deps;
  const chosen = customer ? await findSubscription(stripe, customer) : null;
  if (!customer || !chosen) return { subscription: null, stripeNow: deps.clock().toISOString(), ...NOTHING };
  const { testClock, paymentMethod, endsWithPeriod: _how, ...found } = chosen;
  // The clock and the failures decide only the grace of a past due subscription, which has no next charge.
  const chargeAt = chargeTimeOf({ subscription: found, stripeNow: deps.clock().toISOString() });
  const [stripeNow, failures, card, nextCharge] = await Promise.all([
    readNow(deps, testClock),
    readFailures(stripe, found),
    readCard(stripe, { customer, paymentMethod, status: found.status }),
    chargeAt === null ? null : readNextCharge(stripe, found.id),
  ]);
  const failedAt = failures.map(({ at }) => at).sort()[0] ?? null;
  return { subscription: { ...found, failedAt }, stripeNow, card, nextCharge, failures };
};
