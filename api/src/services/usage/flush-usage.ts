import type { Database } from '../../platform/database.ts';
import { listChangedDays, readChangedDay, settleChangedDays } from './changed-days.ts';
import type { OwnCounts } from './own-counts.ts';
import type { CounterRedis } from './scripts.ts';
import { recordTotals } from './totals.ts';

const PAGE = 200;
/** Any fixed number: one process at a time writes what Redis holds. */
const LOCK = 7_231_955;

/** Whether this process is the one that flushes; the lock is held while `work` runs. */
const underLock = (db: Database, work: () => Promise<void>): Promise<void> =>
  db.acrossTenants(async (trx) => {
    const { rows } = await trx.raw<{ rows: { taken: boolean }[] }>(
      'select pg_try_advisory_xact_lock(?) as taken',
      [LOCK],
    );
    if (rows[0]?.taken) await work();
  });

const flushPage = async (db: Database, redis: CounterRedis): Promise<number> => {
  const days = await listChangedDays(redis, PAGE);
  if (days.length === 0) return 0;
  const totals = await Promise.all(days.map((day) => readChangedDay(redis, day)));
  await recordTotals(db, totals.flat());
  // Only now, and only what has not changed meanwhile: a crash before this line repeats the page, which adds nothing.
  await settleChangedDays(redis, days);
  return days.length;
};

/** Writes every process's changed totals from Redis to Postgres, those of a process that died too. */
export const flushRedis = async (db: Database, redis: CounterRedis): Promise<void> => {
  let more = true;
  while (more) {
    more = false;
    await underLock(db, async () => {
      more = (await flushPage(db, redis)) === PAGE;
    });
  }
};

/** Writes what this process counted while Redis could not be told. */
export const flushOwn = async (db: Database, own: OwnCounts): Promise<void> => {
  const totals = own.takeUnsynced();
  try {
    await recordTotals(db, totals);
  } catch (error) {
    own.putBack(totals);
    throw error;
  }
};
