import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import { keyOf, type Counter, type Total } from './totals.ts';

/**
 * The calls that this process has admitted, per tenant and UTC day and per agent: its replica of a grow-only counter.
 * Each call to Redis sends it as a minimum, so callers restore what Redis has lost.
 */
export interface OwnCounts {
  get(counter: Counter): number;
  total(counter: Counter): Total;
  /** Counts one admitted call. `unsynced`: Redis may not have it. */
  add(counter: Counter, unsynced: boolean): void;
  /** Everything counted since the last `forget`. */
  all(): Total[];
  /** Marks everything to be written, because Redis is lost or this process stops. */
  markAllUnsynced(): void;
  /** Takes the totals that Redis may not have. If writing fails, put them back. */
  takeUnsynced(): Total[];
  putBack(totals: readonly Total[]): void;
  /** Notes totals that are stored in Postgres, from any process. */
  stored(totals: readonly Total[]): void;
  /** The totals that Redis has and Postgres may not have. */
  unstored(): Total[];
  /** Drops totals that are in Postgres and so old that their day has ended by any clock. */
  forgetOld(): void;
}

interface Count {
  counter: Counter;
  count: number;
  /** The part that is known to be in Postgres. */
  stored: number;
  /** The last count, by the monotonic clock. */
  at: number;
}

/** One day, and another one for clock skew and for clocks that jump and return. */
const OLD_MS = 2 * DAY_MS;

export const createOwnCounts = (processId: string): OwnCounts => {
  const counts = new Map<string, Count>();
  const unsynced = new Set<string>();

  const get = (counter: Counter): number => counts.get(keyOf(counter))?.count ?? 0;
  const total = (counter: Counter): Total => ({ ...counter, source: processId, count: get(counter) });
  const totals = (keys: Iterable<string>): Total[] => [...keys].map((key) => total(counts.get(key)!.counter));

  return {
    get,
    total,
    add: (counter, isUnsynced) => {
      const key = keyOf(counter);
      const { count, stored } = counts.get(key) ?? { count: 0, stored: 0 };
      counts.set(key, { counter, count: count + 1, stored, at: performance.now() });
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
      for (const each of taken) unsynced.add(keyOf(each));
    },
    stored: (written) => {
      for (const { count, ...total } of written) {
        const own = total.source === processId ? counts.get(keyOf(total)) : undefined;
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
