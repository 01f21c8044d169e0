import { advisoryLocks } from '../../platform/advisory-locks.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { daysOf, listChanges, settleChanges, type Change } from './changed-days.ts';
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
  /** Called with days whose counts were just stored. */
  onStored: OnStored;
}

export type OnStored = (days: readonly TenantDay[]) => Promise<void>;

const PAGE = 200;
const OWN_PAGE = 1_000;

const takeLock = async (trx: Transaction): Promise<boolean> => {
  const { rows } = await trx.raw<{ rows: { taken: boolean }[] }>(
    'select pg_try_advisory_xact_lock(?) as taken',
    [advisoryLocks.usage],
  );
  return rows[0]?.taken ?? false;
};

/**
 * Sets each source in Redis and Postgres to the larger of both counts. Counts only grow, so repeating, delaying or
 * interrupting this is safe.
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
  await deps.onStored(daysOf(changes));
  return changes;
};

/** Merges the days that changed in Redis with Postgres, including counts of processes that died. */
export const flushChanged = async (deps: FlushDeps): Promise<void> => {
  // Later changes are left to the next flush. Otherwise this never ends under steady traffic.
  const until = await deps.redis.newestChange();
  if (until === undefined) return;
  let changes: Change[];
  do {
    changes = await flushPage(deps, until);
    // Runs after the commit, and skips days that changed since. A crash before this line repeats the page.
    await settleChanges(deps.redis, changes);
  } while (changes.length === PAGE);
};

/** Adds to Redis one page of the counts that processes without Redis have written to Postgres. */
export const shareUnshared = async (deps: FlushDeps): Promise<void> => {
  const days = await deps.db.acrossTenants(async (trx) => {
    const unshared = await listUnsharedDays(trx, PAGE);
    if (unshared.length === 0 || !(await takeLock(trx))) return [];
    await exchange(trx, deps, unshared);
    return unshared;
  });
  await deps.onStored(days);
};

type OwnDeps = Omit<FlushDeps, 'redis'>;

const writeOwn = async (
  { db, record, own, onStored }: OwnDeps,
  totals: readonly Total[],
  unshared: boolean,
): Promise<void> => {
  for (let from = 0; from < totals.length; from += OWN_PAGE) {
    const page = totals.slice(from, from + OWN_PAGE);
    await db.acrossTenants((trx) => record(trx, page, unshared));
    own.stored(page);
  }
  await onStored(totals.filter(({ agentId }) => agentId === undefined));
};

/** Stores what this process counted while Redis was unavailable. */
export const flushOwn = async (deps: OwnDeps, unshared: boolean): Promise<void> => {
  const totals = deps.own.takeUnsynced();
  try {
    await writeOwn(deps, totals, unshared);
  } catch (error) {
    deps.own.putBack(totals);
    throw error;
  }
};

/** Stores counts of this process that none of its flushes has stored. Redis may have lost its list of changed days. */
export const flushUnstored = (deps: OwnDeps): Promise<void> => writeOwn(deps, deps.own.unstored(), false);
