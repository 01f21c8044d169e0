import type { Database, Transaction } from '../../platform/database.ts';
import { daysOf, listChanges, settleChanges } from './changed-days.ts';
import type { Change } from './changed-days.ts';
import type { OwnCounts } from './own-counts.ts';
import type { RecordTotals } from './record-totals.ts';
import type { CounterRedis } from './scripts.ts';
import { listUnsharedDays, readDays } from './stored-totals.ts';
import type { TenantDay, Total } from './totals.ts';

export interface FlushDeps {
  db: Database;
  redis: CounterRedis;
  record: RecordTotals;
  own: OwnCounts;
}

const PAGE = 200;
const OWN_PAGE = 1_000;
/** Any fixed number: one process at a time brings Redis and Postgres together. */
const LOCK = 7_231_955;

const takeLock = async (trx: Transaction): Promise<boolean> => {
  const { rows } = await trx.raw<{ rows: { taken: boolean }[] }>(
    'select pg_try_advisory_xact_lock(?) as taken',
    [LOCK],
  );
  return rows[0]?.taken ?? false;
};

/**
 * Raises Redis and Postgres to the larger of both, source by source. Both only grow, so this may be repeated, come
 * late or be left half done.
 */
const exchange = async (
  trx: Transaction,
  { redis, record }: FlushDeps,
  days: readonly TenantDay[],
): Promise<Total[]> => {
  if (days.length === 0) return [];
  const merged = await redis.merge(days, await readDays(trx, days));
  await record(trx, merged, false);
  return merged;
};

const flushPage = async (deps: FlushDeps, until: string): Promise<Change[]> => {
  const { changes, merged } = await deps.db.acrossTenants(async (trx) => {
    if (!(await takeLock(trx))) return { changes: [], merged: [] };
    const listed = await listChanges(deps.redis, until, PAGE);
    return { changes: listed, merged: await exchange(trx, deps, daysOf(listed)) };
  });
  deps.own.stored(merged);
  return changes;
};

/** Brings what changed in Redis into Postgres, counts of processes that died too, and what Redis lacks of those days back. */
export const flushChanged = async (deps: FlushDeps): Promise<void> => {
  // What changes while this runs is for the next time: with steady traffic there would be no end.
  const until = await deps.redis.newestChange();
  if (until === undefined) return;
  let changes: Change[];
  do {
    changes = await flushPage(deps, until);
    // Only after the commit, and only what has not changed meanwhile: a crash before this line repeats the page.
    await settleChanges(deps.redis, changes);
  } while (changes.length === PAGE);
};

/** Brings into Redis what processes have written to Postgres while they had no Redis, one page of it. */
export const shareUnshared = async (deps: FlushDeps): Promise<void> => {
  await deps.db.acrossTenants(async (trx) => {
    const days = await listUnsharedDays(trx, PAGE);
    if (days.length > 0 && (await takeLock(trx))) await exchange(trx, deps, days);
  });
};

type OwnDeps = Omit<FlushDeps, 'redis'>;

const writeOwn = async (
  { db, record, own }: OwnDeps,
  totals: readonly Total[],
  unshared: boolean,
): Promise<void> => {
  for (let from = 0; from < totals.length; from += OWN_PAGE) {
    const page = totals.slice(from, from + OWN_PAGE);
    await db.acrossTenants((trx) => record(trx, page, unshared));
    own.stored(page);
  }
};

/** Writes what this process counted while Redis could not be told. */
export const flushOwn = async (deps: OwnDeps, unshared: boolean): Promise<void> => {
  const totals = deps.own.takeUnsynced();
  try {
    await writeOwn(deps, totals, unshared);
  } catch (error) {
    deps.own.putBack(totals);
    throw error;
  }
};

/** Writes what Redis was told and no flush of this process has brought to Postgres: Redis may have lost the list, too. */
export const flushUnstored = (deps: OwnDeps): Promise<void> => writeOwn(deps, deps.own.unstored(), false);
