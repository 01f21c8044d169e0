import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { LRUCache } from 'lru-cache';
import { coalesce } from '../../../platform/coalesce.ts';
import { every } from '../../../platform/every.ts';
import { deliverStripeEvents, type DeliverDeps } from './deliver-stripe-events.ts';
import { nudgeCheckout } from './nudge.ts';
import { isReachable } from '../is-reachable.ts';
import { pollStripeEvents } from './poll-stripe-events.ts';
import { repairCheckout } from '../checkout/repair-checkout.ts';

export interface StripeEventsDeps extends DeliverDeps {
  config: { PUBLIC_URL: string; STRIPE_API_URL?: string | undefined };
}

/** Delivers stored events to the workflows. */
export interface StripeEvents {
  /** Delivers now instead of at the next interval. */
  deliverSoon(): void;
  /** Signals an open checkout, at most once a second. Repairs it if its workflow is gone. */
  lookAt(key: CheckoutInput): void;
  /** Waits for the current delivery. */
  stop(): Promise<void>;
}

/** The caller waits for another response, so a failure here is only logged. */
const createLook = (deps: StripeEventsDeps): StripeEvents['lookAt'] => {
  const asked = new LRUCache<string, true>({ max: 10_000, ttl: 1_000 });
  const look = async (key: CheckoutInput): Promise<void> => {
    if (!(await nudgeCheckout(deps.temporal, key.tenantId, key.checkoutId))) await repairCheckout(deps, key);
  };
  return (key) => {
    if (asked.has(key.checkoutId)) return;
    asked.set(key.checkoutId, true);
    look(key).catch((error: unknown) =>
      deps.logger.warn({ err: error, ...key }, 'checking a checkout failed'),
    );
  };
};

const DELIVER_MS = 1_000;
const POLL_MS = 5_000;

/** Delivers stored events every second. Polls Stripe for events if Stripe cannot send them. */
export const startStripeEvents = (deps: StripeEventsDeps): StripeEvents => {
  const { db, stripe, clock, logger, config } = deps;
  // One at a time: a second one would find no other events.
  const deliveries = coalesce(() => deliverStripeEvents(deps));
  const stops = [every(DELIVER_MS, logger, 'delivering Stripe events', deliveries.run)];
  if (!isReachable(config.PUBLIC_URL, config.STRIPE_API_URL)) {
    stops.push(
      every(POLL_MS, logger, 'polling Stripe for events', () => pollStripeEvents(db, stripe, clock())),
    );
  }
  return {
    deliverSoon: () => {
      deliveries
        .run()
        .catch((error: unknown) =>
          logger.warn({ err: error }, 'delivering a Stripe event failed and is retried'),
        );
    },
    lookAt: createLook(deps),
    stop: async () => {
      for (const stop of stops) stop();
      await deliveries.settled();
    },
  };
};
