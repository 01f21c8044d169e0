import type { Database } from '../../../platform/database.ts';

/** What we take of an event: that there is something to look at. */
export interface StripeEvent {
  id: string;
  type: string;
  /** Seconds since 1970. */
  created: number;
  data: { object: object };
}

/** What can be a customer of ours; Postgres would refuse a NUL, and with it the event. */
const isCustomerId = (id: unknown): id is string => typeof id === 'string' && /^[\w-]{1,255}$/.test(id);

/**
 * Whom the event is about: `customer` of nearly every object of billing, the object itself where it is a customer. An
 * event of nobody is stored, and is settled at once.
 */
const customerOf = ({ data: { object } }: StripeEvent): string | null => {
  const { id, object: kind, customer } = object as Record<'id' | 'object' | 'customer', unknown>;
  const named =
    kind === 'customer' ? id : ((customer as { id?: unknown } | null | undefined)?.id ?? customer);
  return isCustomerId(named) ? named : null;
};

/** Keeps that there is something to look at, and nothing of what the event says. Whether it was new. */
export const storeStripeEvent = (db: Database, event: StripeEvent): Promise<boolean> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { isNew: boolean }[] }>(
      'select store_stripe_event(?, ?, ?, ?) as "isNew"',
      [event.id, event.type, customerOf(event), new Date(event.created * 1_000)],
    );
    return rows[0]?.isNew ?? false;
  });
