import type { Database } from '../../../platform/database.ts';

export interface Backlog {
  /** Stored events that are not delivered. */
  pending: number;
  /** The age of the oldest one; 0 if there is none. */
  oldestSeconds: number;
}

export const readBacklog = (db: Database): Promise<Backlog> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: Backlog[] }>(
      'select pending, oldest_seconds as "oldestSeconds" from stripe_backlog()',
    );
    return rows[0]!;
  });
