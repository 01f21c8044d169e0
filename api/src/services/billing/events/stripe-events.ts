import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import { LRUCache } from 'lru-cache';
import { coalesce } from '../../../platform/coalesce.ts';
import { every } from '../../../platform/every.ts';
import { deliverStripeEvents } from './deliver-stripe-events.ts';
import { nudgeCheckout } from './nudge.ts';
import { isReachable } from '../is-reachable.ts';
import { pollStripeEvents } from './poll-stripe-events.ts';
import { repairCheckout } from '../checkout/repair-checkout.ts';
import type { RepairCheckoutDeps } from '../checkout/repair-checkout.ts';
import type { Logger } from '../../../platform/logger.ts';

export interface StripeEventsDeps extends RepairCheckoutDeps {
  logger: Logger;
  config: { PUBLIC_URL: string; STRIPE_API_URL?: string | undefined };
}

/** What carries stored events on to the workflows. */
export interface StripeEvents {
  /** Does not wait for the next second. */
  deliverSoon(): void;
  /** Has an open checkout look at Stripe, at most once a second; does its work where its run is gone. */
  lookAt(key: CheckoutInput): void;
  /** Waits for the delivery that is under way. */
  stop(): Promise<void>;
}

/** Somebody waits for an answer of their own: what goes wrong here is for the log. */
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

/** Delivers what is stored, every second; fetches the events itself where Stripe cannot send them. */
export const startStripeEvents = (deps: StripeEventsDeps): StripeEvents => {
  const { db, stripe, clock, logger, config } = deps;
  // One at a time: each holds a connection for as long as Temporal takes, and the token path needs them.
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
