import type { DeletedBatch } from '@sentryagent/workflows/contracts';
import type { Database } from '../../platform/database.ts';

/** Rows per table. A batch takes far less than the statement timeout of 2 s. */
const MAX = 2_000;

/** Deletes a batch of expired rows of all tenants, and of events of Stripe that are older than 60 days. Call it again for the rest. Parallel calls are safe. */
export const deleteExpired = (db: Database, max = MAX): Promise<DeletedBatch> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { deleted: number }[] }>(
      'select delete_expired(:max) as deleted union all select delete_old_stripe_events(:max)',
      { max },
    );
    const counts = rows.map(({ deleted }) => deleted);
    return { deleted: counts.reduce((sum, count) => sum + count, 0), isMore: counts.includes(max) };
  });
