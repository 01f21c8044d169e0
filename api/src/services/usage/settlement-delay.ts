import type { Database } from '../../platform/database.ts';

/** The seconds since the end of the oldest day that is not settled; 0 if there is none. */
export const readSettlementDelay = (db: Database): Promise<number> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { seconds: number }[] }>(
      `select extract(epoch from now() - (day + 1)::timestamp at time zone 'UTC')::integer as seconds
       from next_unsettled(0)`,
    );
    return rows[0]?.seconds ?? 0;
  });
