import type { Database } from '../../platform/database.ts';
import type { Stripe } from '../../platform/stripe.ts';

/** Whom the event is about: `customer` of nearly every object of billing, the object itself where it is a customer. */
const customerOf = ({ data: { object } }: Stripe.Event): string | null => {
  const { id, object: kind, customer } = object as { id?: string; object?: string; customer?: unknown };
  if (kind === 'customer') return id ?? null;
  if (typeof customer === 'string') return customer;
  return (customer as { id?: string } | null | undefined)?.id ?? null;
};

/** Keeps that there is something to look at, and nothing of what the event says. Whether it was new. */
export const storeStripeEvent = (db: Database, event: Stripe.Event): Promise<boolean> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { isNew: boolean }[] }>(
      'select store_stripe_event(?, ?, ?, ?) as "isNew"',
      [event.id, event.type, customerOf(event), new Date(event.created * 1_000)],
    );
    return rows[0]?.isNew ?? false;
  });
