import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { storeStripeEvent } from './store-stripe-event.ts';

/** Events of one second may become visible out of order, and late. */
const OVERLAP_SECONDS = 60;
/** Where nothing is known yet. */
const FIRST_LOOK_BACK_SECONDS = 3_600;

const newestSeen = (db: Database): Promise<number | undefined> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { at: Date | null }[] }>('select newest_stripe_event() as at');
    return rows[0]?.at ? Math.floor(rows[0].at.getTime() / 1_000) : undefined;
  });

/**
 * Asks Stripe for the events since the newest that is stored: for a machine that Stripe cannot reach, such as a
 * developer's laptop with a test key.
 */
export const pollStripeEvents = async (db: Database, stripe: Stripe, now: Date): Promise<void> => {
  const seconds = Math.floor(now.getTime() / 1_000);
  // A test clock's events may be of a time to come.
  const since = Math.min((await newestSeen(db)) ?? seconds - FIRST_LOOK_BACK_SECONDS, seconds);
  const events: Stripe.Event[] = [];
  const created = { gte: since - OVERLAP_SECONDS };
  for await (const event of stripe.events.list({ created, limit: 100 })) events.push(event);
  // Stripe lists the newest first; stored so, a failure on the way would skip the older ones for good.
  for (const event of events.reverse()) await storeStripeEvent(db, event);
};
