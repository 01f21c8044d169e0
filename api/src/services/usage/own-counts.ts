import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import { dayOfKey, keyOf } from './totals.ts';
import type { TenantDay, Total } from './totals.ts';

/**
 * The calls that this process has let through, per tenant and UTC day: its replica of the grow-only counter. Each
 * call to Redis carries it as a floor, so a Redis that lost data is raised again by its callers.
 */
export interface OwnCounts {
  get(day: TenantDay): number;
  total(day: TenantDay): Total;
  /** One more was let through. `unsynced` when Redis may not know of it. */
  add(day: TenantDay, unsynced: boolean): void;
  /** Everything counted since the last call to forget. */
  all(): Total[];
  /** Redis is lost, or this process ends: everything is to be written. */
  markAllUnsynced(): void;
  /** Takes the totals that Redis may not know of; put them back when they could not be written. */
  takeUnsynced(): Total[];
  putBack(totals: readonly Total[]): void;
  /** The totals that are in Postgres, of whichever process: they are known to be there from now on. */
  stored(totals: readonly Total[]): void;
  /** What Redis was told and is not known to be in Postgres. */
  unstored(): Total[];
  /** Drops what is in Postgres and was last counted so long ago that its day is over, whatever any clock says. */
  forgetOld(): void;
}

interface Count {
  count: number;
  /** The part of it that is known to be in Postgres. */
  stored: number;
  /** When it was last counted, by the monotonic clock. */
  at: number;
}

/** A day takes one; the other is for clocks that differ, and for one that jumps and comes back. */
const OLD_MS = 2 * DAY_MS;

export const createOwnCounts = (processId: string): OwnCounts => {
  const counts = new Map<string, Count>();
  const unsynced = new Set<string>();

  const get = (day: TenantDay): number => counts.get(keyOf(day))?.count ?? 0;
  const total = ({ tenantId, day }: TenantDay): Total => ({
    tenantId,
    day,
    source: processId,
    count: get({ tenantId, day }),
  });
  const totals = (keys: Iterable<string>): Total[] => [...keys].map((key) => total(dayOfKey(key)!));

  return {
    get,
    total,
    add: (day, isUnsynced) => {
      const key = keyOf(day);
      const { count, stored } = counts.get(key) ?? { count: 0, stored: 0 };
      counts.set(key, { count: count + 1, stored, at: performance.now() });
      if (isUnsynced) unsynced.add(key);
    },
    all: () => totals(counts.keys()),
    markAllUnsynced: () => {
      for (const key of counts.keys()) unsynced.add(key);
    },
    takeUnsynced: () => {
      const taken = totals(unsynced);
      unsynced.clear();
      return taken;
    },
    putBack: (taken) => {
      for (const day of taken) unsynced.add(keyOf(day));
    },
    stored: (written) => {
      for (const { source, count, ...day } of written) {
        const own = source === processId ? counts.get(keyOf(day)) : undefined;
        if (own) own.stored = Math.max(own.stored, count);
      }
    },
    unstored: () => {
      const isMissing = ([key, { count, stored }]: [string, Count]) => stored < count && !unsynced.has(key);
      return totals([...counts].filter(isMissing).map(([key]) => key));
    },
    forgetOld: () => {
      for (const [key, { count, stored, at }] of counts) {
        if (performance.now() - at > OLD_MS && stored >= count && !unsynced.has(key)) counts.delete(key);
      }
    },
  };
};
