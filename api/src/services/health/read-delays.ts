import type { Database } from '../../platform/database.ts';

const readSeconds = async (db: Database, delay: string): Promise<number> => {
  const sql = `select extract(epoch from ${delay})::integer as seconds`;
  const { rows } = await db.acrossTenants((trx) => trx.raw<{ rows: { seconds: number | null }[] }>(sql));
  return rows[0]?.seconds ?? 0;
};

/** The age of the oldest Stripe event that is not delivered; 0 if there is none. */
export const readEventDelay = (db: Database): Promise<number> => readSeconds(db, 'stripe_event_delay()');

/** Without tenants, `next_unsettled` returns a day that has nobody to settle. */
const SETTLEMENT_DELAY = `(
  select now() - (day + 1)::timestamp at time zone 'UTC' from next_unsettled(1)
  where settled_to <> '' or tenant_ids <> '{}'
)`;

/** The seconds since the end of the oldest day that is not settled; 0 if there is none. */
export const readSettlementDelay = (db: Database): Promise<number> => readSeconds(db, SETTLEMENT_DELAY);
