import type { Database, Transaction } from '../../../platform/database.ts';

/** A stored event that this process has claimed. */
export interface Claimed {
  event_id: string;
  type: string;
  customer_id: string | null;
  /** The object of the event: a test clock, a dispute, … */
  object_id: string | null;
  /** The tenant that the metadata names. It decides nothing. */
  metadata_tenant_id: string | null;
  charge_id: string | null;
  payment_intent_id: string | null;
  amount: number | null;
  currency: string | null;
  /** The tenant of the customer by our mapping. */
  tenant_id: string | null;
  /** The tenant's unfinished checkout. */
  checkout_id: string | null;
}

export type Quarantine = 'unknown_customer' | 'metadata_of_other_tenant';

/** Claims the oldest events for some seconds. After that, another process can claim those that are not finished. */
export const claimEvents = (db: Database, max: number, seconds: number): Promise<Claimed[]> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: Claimed[] }>('select * from claim_stripe_events(?, ?)', [
      max,
      seconds,
    ]);
    return rows;
  });

/** Marks events as delivered, or puts them aside. Returns the ids of those that were not yet. */
export const finishEvents = async (
  trx: Transaction,
  events: readonly Claimed[],
  quarantine: Quarantine | null = null,
): Promise<Set<string>> => {
  const { rows } = await trx.raw<{ rows: { id: string }[] }>(
    'select finish_stripe_events as id from finish_stripe_events(?, ?)',
    [events.map(({ event_id: id }) => id), quarantine],
  );
  return new Set(rows.map(({ id }) => id));
};

/** The tenants of these customers, by our mapping. */
export const findTenants = (db: Database, customers: string[]): Promise<Map<string, string>> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { customer_id: string; tenant_id: string }[] }>(
      'select * from find_stripe_tenants(?)',
      [customers],
    );
    return new Map(rows.map(({ customer_id: customer, tenant_id: tenant }) => [customer, tenant]));
  });

export interface QuarantinedEvent {
  event_id: string;
  type: string;
  customer_id: string | null;
  metadata_tenant_id: string | null;
  quarantined_because: Quarantine;
  created_at: Date;
}

/** The newest first. */
export const listQuarantined = (db: Database, max: number): Promise<QuarantinedEvent[]> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: QuarantinedEvent[] }>('select * from list_quarantined_events(?)', [
      max,
    ]);
    return rows;
  });
