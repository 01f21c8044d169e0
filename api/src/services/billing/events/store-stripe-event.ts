import type { Database } from '../../../platform/database.ts';

/** The part of an event that we store. It triggers a read from Stripe, or an audit entry. */
export interface StripeEvent {
  id: string;
  type: string;
  /** Seconds since 1970. */
  created: number;
  data: { object: object };
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

/** A possible id. Other text could contain NUL, which Postgres rejects. */
const isId = (id: unknown): id is string => typeof id === 'string' && /^[\w-]{1,255}$/.test(id);

/** The id of an object that may be expanded. */
const idOf = (value: unknown): string | null => {
  const id = typeof value === 'string' ? value : fieldsOf(value).id;
  return isId(id) ? id : null;
};

/** Text that is no id names no tenant of ours. */
const tenantIn = (metadata: unknown): string | null => {
  const { tenant_id: tenant } = fieldsOf(metadata);
  return tenant === undefined ? null : isId(tenant) ? tenant : 'invalid';
};

/**
 * The metadata of an invoice is its own. That of its subscription is in its parent, or beside it if the endpoint has an
 * API version from before 2025-03-31.
 */
const metadataTenantOf = ({ metadata, parent, subscription_details: details }: Fields): string | null =>
  tenantIn(metadata) ??
  tenantIn(fieldsOf(fieldsOf(parent).subscription_details).metadata) ??
  tenantIn(fieldsOf(details).metadata);

/** Of a charge what was refunded, of a dispute what is disputed. */
const amountOf = (type: string, { amount, amount_refunded: refunded }: Fields): number | null => {
  const given = type === 'charge.refunded' ? refunded : amount;
  return Number.isSafeInteger(given) ? (given as number) : null;
};

/**
 * The customer is the `customer` of the object, or the object itself if it is a customer. An event without a customer
 * is stored too.
 */
const partOf = ({ id, type, created, data }: StripeEvent): Fields => {
  const object = fieldsOf(data.object);
  const isCharge = object.object === 'charge';
  return {
    id,
    type,
    created_at: new Date(created * 1_000),
    customer_id: idOf(object.object === 'customer' ? object.id : object.customer),
    object_id: idOf(object.id),
    metadata_tenant_id: metadataTenantOf(object),
    ...(type.startsWith('charge.') && {
      charge_id: idOf(isCharge ? object.id : object.charge),
      payment_intent_id: idOf(object.payment_intent),
      amount: amountOf(type, object),
      currency: idOf(object.currency),
    }),
  };
};

/** Stores that the event exists, and none of its content but ids and an amount. Returns whether it was new. */
export const storeStripeEvent = (db: Database, event: StripeEvent): Promise<boolean> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { isNew: boolean }[] }>('select keep_stripe_event(?) as "isNew"', [
      JSON.stringify(partOf(event)),
    ]);
    return rows[0]?.isNew ?? false;
  });
