import {
  chooseSubscription,
  type StripeStatus,
  type StripeSubscription,
  type SubscriptionReading,
} from '@sentryagent/workflows/rules/subscription';
import type { Clock } from '../../../platform/clock.ts';
import type { Stripe } from '../../../platform/stripe.ts';

interface Found extends StripeSubscription {
  testClock: string | null;
}

const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString();
const isoOrNull = (seconds: number | null): string | null => (seconds === null ? null : iso(seconds));

/** The items have the period. One plan means one item. */
const take = (subscription: Stripe.Subscription): Found => {
  const { created, test_clock: clock, cancel_at_period_end: endsWithPeriod } = subscription;
  const [item] = subscription.items.data;
  const periodEnd = item?.current_period_end ?? created;
  return {
    id: subscription.id,
    status: subscription.status as StripeStatus,
    createdAt: iso(created),
    periodStart: iso(item?.current_period_start ?? created),
    periodEnd: iso(periodEnd),
    trialEnd: isoOrNull(subscription.trial_end),
    cancelAt: isoOrNull(subscription.cancel_at ?? (endsWithPeriod ? periodEnd : null)),
    testClock: typeof clock === 'string' ? clock : (clock?.id ?? null),
  };
};

/**
 * All subscriptions of the customer, including ended ones. Stripe lists the newest first, so a live one is on the first
 * page.
 */
export const listSubscriptions = async (stripe: Stripe, customer: string): Promise<Found[]> =>
  (await stripe.subscriptions.list({ customer, status: 'all', limit: 100 })).data.map(take);

/** Reads the deciding subscription from Stripe, and the time of the customer's clock. */
export const readSubscription = async (
  { stripe, clock }: { stripe: Stripe; clock: Clock },
  customer: string,
): Promise<SubscriptionReading> => {
  const chosen = chooseSubscription(await listSubscriptions(stripe, customer));
  if (!chosen) return { subscription: null, stripeNow: clock().toISOString() };
  const { testClock, ...subscription } = chosen;
  const stripeNow = testClock
    ? iso((await stripe.testHelpers.testClocks.retrieve(testClock)).frozen_time)
    : clock().toISOString();
  return { subscription, stripeNow };
};
