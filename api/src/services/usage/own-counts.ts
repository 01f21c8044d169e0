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
  /** Drops days before this one. */
  forgetBefore(day: number): void;
}

export const createOwnCounts = (processId: string): OwnCounts => {
  const counts = new Map<string, number>();
  const unsynced = new Set<string>();

  const get = (day: TenantDay): number => counts.get(keyOf(day)) ?? 0;
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
      counts.set(keyOf(day), get(day) + 1);
      if (isUnsynced) unsynced.add(keyOf(day));
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
    forgetBefore: (day) => {
      for (const key of counts.keys()) {
        if (dayOfKey(key)!.day < day && !unsynced.has(key)) counts.delete(key);
      }
    },
  };
};
