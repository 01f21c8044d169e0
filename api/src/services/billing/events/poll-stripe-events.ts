import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { AUDITED, STRIPE_EVENTS } from './event-types.ts';
import { storeStripeEvent } from './store-stripe-event.ts';

/** Events can become visible late and out of order. */
const OVERLAP_SECONDS = 60;
/** Used if no event is stored yet. */
const FIRST_LOOK_BACK_SECONDS = 3_600;
/** Stripe keeps events for 30 days. */
const LONGEST_LOOK_BACK_SECONDS = 30 * 86_400;

const newestSeen = (db: Database): Promise<number | undefined> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { at: Date | null }[] }>('select newest_stripe_event() as at');
    return rows[0]?.at ? Math.floor(rows[0].at.getTime() / 1_000) : undefined;
  });

const storeSince = async (db: Database, stripe: Stripe, since: number, types: string[]): Promise<void> => {
  const events: Stripe.Event[] = [];
  const created = { gte: since };
  for await (const event of stripe.events.list({ created, types, limit: 100 })) events.push(event);
  // Store the oldest first. Stripe lists the newest first, and after a failure the next poll would skip older ones.
  for (const event of events.reverse()) await storeStripeEvent(db, event);
};

const secondsOf = (now: Date): number => Math.floor(now.getTime() / 1_000);

/**
 * Polls Stripe for events since the newest stored one. For machines that Stripe cannot reach, such as a laptop with a
 * test key.
 */
export const pollStripeEvents = async (db: Database, stripe: Stripe, now: Date): Promise<void> => {
  const seconds = secondsOf(now);
  // Events of a test clock can be in the future.
  const since = Math.min((await newestSeen(db)) ?? seconds - FIRST_LOOK_BACK_SECONDS, seconds);
  await storeSince(db, stripe, since - OVERLAP_SECONDS, STRIPE_EVENTS);
};

/** Stores the refunds and disputes whose webhooks were lost. A read of the subscription does not show them. */
export const recoverAuditedEvents = (db: Database, stripe: Stripe, now: Date): Promise<void> =>
  storeSince(db, stripe, secondsOf(now) - LONGEST_LOOK_BACK_SECONDS, [...AUDITED]);
