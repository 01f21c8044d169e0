import type { Database } from '../../../platform/database.ts';

/** The part of an event that we store. It only triggers a read from Stripe. */
export interface StripeEvent {
  id: string;
  type: string;
  /** Seconds since 1970. */
  created: number;
  data: { object: object };
}

/** A possible customer id. Other text could contain NUL, which Postgres rejects. */
const isCustomerId = (id: unknown): id is string => typeof id === 'string' && /^[\w-]{1,255}$/.test(id);

/**
 * The customer of the event: the `customer` of its object, or the object itself if it is a customer. An event without a
 * customer is stored and marked as delivered at once.
 */
const customerOf = ({ data: { object } }: StripeEvent): string | null => {
  const { id, object: kind, customer } = object as Record<'id' | 'object' | 'customer', unknown>;
  const named =
    kind === 'customer' ? id : ((customer as { id?: unknown } | null | undefined)?.id ?? customer);
  return isCustomerId(named) ? named : null;
};

/** Stores that the event exists, and none of its content. Returns whether it was new. */
export const storeStripeEvent = (db: Database, event: StripeEvent): Promise<boolean> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { isNew: boolean }[] }>(
      'select store_stripe_event(?, ?, ?, ?) as "isNew"',
      [event.id, event.type, customerOf(event), new Date(event.created * 1_000)],
    );
    return rows[0]?.isNew ?? false;
  });
