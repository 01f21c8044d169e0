import type { Total } from './totals.ts';

/**
 * The calls that this process has let through, per tenant and UTC day: its replica of the grow-only counter. Each
 * call to Redis carries it as a floor, so a Redis that lost data is raised again by its callers.
 */
export interface OwnCounts {
  get(tenantId: string, day: number): number;
  /** One more was let through. `unsynced` when Redis may not know of it. */
  add(tenantId: string, day: number, unsynced: boolean): void;
  /** Everything counted since the last call to forget, as totals. */
  all(): Total[];
  /** Takes the totals that Redis may not know of; put them back with `unsynced` when they could not be written. */
  takeUnsynced(): Total[];
  putBack(totals: readonly Total[]): void;
  /** Drops days before this one. */
  forgetBefore(day: number): void;
}

const keyOf = (tenantId: string, day: number): string => `${tenantId}|${day}`;

const split = (key: string): { tenantId: string; day: number } => {
  const [tenantId = '', day = ''] = key.split('|');
  return { tenantId, day: Number(day) };
};

export const createOwnCounts = (processId: string): OwnCounts => {
  const counts = new Map<string, number>();
  const unsynced = new Set<string>();
  const total = (key: string): Total => ({ ...split(key), source: processId, count: counts.get(key) ?? 0 });
  return {
    get: (tenantId, day) => counts.get(keyOf(tenantId, day)) ?? 0,
    add: (tenantId, day, isUnsynced) => {
      const key = keyOf(tenantId, day);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (isUnsynced) unsynced.add(key);
    },
    all: () => [...counts.keys()].map(total),
    takeUnsynced: () => {
      const taken = [...unsynced].map(total);
      unsynced.clear();
      return taken;
    },
    putBack: (totals) => {
      for (const { tenantId, day } of totals) unsynced.add(keyOf(tenantId, day));
    },
    forgetBefore: (day) => {
      for (const key of counts.keys()) {
        if (split(key).day < day && !unsynced.has(key)) counts.delete(key);
      }
    },
  };
};
