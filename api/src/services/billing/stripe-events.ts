import { every } from '../../platform/every.ts';
import { deliverStripeEvents } from './deliver-stripe-events.ts';
import { isReachable, pollStripeEvents } from './poll-stripe-events.ts';
import type { RepairCheckoutDeps } from './repair-checkout.ts';
import type { Logger } from '../../platform/logger.ts';

export interface StripeEventsDeps extends RepairCheckoutDeps {
  logger: Logger;
  config: { PUBLIC_URL: string; STRIPE_API_URL?: string | undefined };
}

/** What carries stored events on to the workflows. */
export interface StripeEvents {
  /** Does not wait for the next second. */
  deliverSoon(): void;
  stop(): void;
}

/**
 * One at a time, however many ask: each holds a connection for as long as Temporal takes, and the token path needs
 * them. Who asks while it runs is served by one more round.
 */
const oneAtATime = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let again = false;
  const rounds = async (): Promise<void> => {
    do {
      again = false;
      await work();
    } while (again);
  };
  return () => {
    again = true;
    return (running ??= rounds().finally(() => (running = undefined)));
  };
};

const DELIVER_MS = 1_000;
const POLL_MS = 5_000;

/** Delivers what is stored, every second; fetches the events itself where Stripe cannot send them. */
export const startStripeEvents = (deps: StripeEventsDeps): StripeEvents => {
  const { db, stripe, clock, logger, config } = deps;
  const deliver = oneAtATime(() => deliverStripeEvents(deps));
  const stops = [every(DELIVER_MS, logger, 'delivering Stripe events', deliver)];
  if (!isReachable(config.PUBLIC_URL, config.STRIPE_API_URL)) {
    stops.push(
      every(POLL_MS, logger, 'asking Stripe for events', () => pollStripeEvents(db, stripe, clock())),
    );
  }
  return {
    deliverSoon: () => {
      deliver().catch((error: unknown) =>
        logger.warn({ err: error }, 'a Stripe event waits for its delivery'),
      );
    },
    stop: () => stops.forEach((stop) => stop()),
  };
};
