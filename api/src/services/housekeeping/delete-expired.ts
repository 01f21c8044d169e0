import type { DeletedBatch } from '@sentryagent/workflows/contracts';
import type { Database } from '../../platform/database.ts';

/** Of each table: a batch ends long before Postgres would end it, after 2 s. */
const MAX = 2_000;

/** Deletes a batch of what has expired, of every tenant; called again, or by two at once, it deletes the rest. */
export const deleteExpired = (db: Database, max = MAX): Promise<DeletedBatch> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { deleted: number }[] }>('select delete_expired(?) as deleted', [
      max,
    ]);
    const counts = rows.map(({ deleted }) => deleted);
    return { deleted: counts.reduce((sum, count) => sum + count, 0), isMore: counts.includes(max) };
  });
