import type { Activities } from '@sentryagent/workflows/contracts';
import type { SessionStatus } from '@sentryagent/workflows/rules/checkout';
import type { StripeSubscription, SubscriptionReading } from '@sentryagent/workflows/rules/subscription';

/** What the workflows see of the world, as a test lays it down; each call is noted. */
export interface World {
  calls: string[];
  session: SessionStatus;
  reading: SubscriptionReading;
  activities: Activities;
}

/** A session lasts for what the workflow asked for, as Stripe's do. */
export const createWorld = (overrides: Partial<Activities> = {}): World => {
  const world: World = {
    calls: [],
    session: 'open',
    reading: { subscription: null, stripeNow: new Date(0).toISOString() },
    activities: {
      openCheckoutSession: async ({ expiresAt }) => ({
        sessionId: 'cs_1',
        url: 'https://checkout.stripe.test/cs_1',
        expiresAt,
      }),
      readCheckoutSession: async () => world.session,
      expireCheckoutSession: async () =>
        (world.session = world.session === 'open' ? 'expired' : world.session),
      showProcessing: async () => {},
      closeCheckout: async () => {},
      startSubscription: async () => {},
      applySubscription: async () => world.reading,
      changeCancellation: async ({ isCancelling }) => {
        const { subscription } = world.reading;
        if (subscription) subscription.cancelAt = isCancelling ? subscription.periodEnd : null;
      },
      extendGrace: async ({ until }) => {
        if (world.reading.subscription) world.reading.subscription.graceUntil = until;
      },
      remindOwners: async () => true,
      ...overrides,
    },
  };
  const noted = Object.entries(world.activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      world.calls.push(name);
      return (activity as (input: never) => Promise<unknown>)(input);
    },
  ]);
  world.activities = Object.fromEntries(noted) as Activities;
  return world;
};

const DAY_MS = 86_400_000;

export const instant = (ms: number): string => new Date(ms).toISOString();

/** An active subscription with a period of thirty days from then. */
export const monthly = (from: number, changes: Partial<StripeSubscription> = {}): StripeSubscription => ({
  id: 'sub_1',
  status: 'active',
  createdAt: instant(from),
  periodStart: instant(from),
  periodEnd: instant(from + 30 * DAY_MS),
  trialEnd: null,
  cancelAt: null,
  failedAt: null,
  graceUntil: null,
  lookupKey: null,
  ...changes,
});
