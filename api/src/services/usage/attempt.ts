import type { OwnCounts } from './own-counts.ts';

/** A call of usage that asks to be let through: it is under way until it was counted or has ended. */
export interface Attempt {
  tenantId: string;
  /** The day's limit; `null` = not refused. */
  quota: number | null;
  /** What this process knows itself to have let through on the day. */
  floor(day: number): number;
  /**
   * The most that it can have let through with this call, should all that are under way be let through. Redis raises
   * the process's field no further for it: a call that Redis applies late, when it was counted in another way already,
   * counts nothing.
   */
  ceiling(day: number): number;
  /** It was let through. `unsynced` when Redis may not know of it. */
  count(day: number, unsynced: boolean): void;
  /** It was refused, or nobody waits for it any more; nothing happens after `count`. */
  end(): void;
}

export type StartAttempt = (usage: { tenantId: string; quota: number | null }) => Attempt;

export const createAttempts = (own: OwnCounts): StartAttempt => {
  const underWay = new Map<string, number>();
  const add = (tenantId: string, calls: 1 | -1): void => {
    const now = (underWay.get(tenantId) ?? 0) + calls;
    if (now === 0) underWay.delete(tenantId);
    else underWay.set(tenantId, now);
  };

  return ({ tenantId, quota }) => {
    let open = true;
    const end = (): void => {
      if (open) add(tenantId, -1);
      open = false;
    };
    add(tenantId, 1);
    return {
      tenantId,
      quota,
      floor: (day) => own.get({ tenantId, day }),
      ceiling: (day) => own.get({ tenantId, day }) + (underWay.get(tenantId) ?? 0),
      count: (day, unsynced) => {
        own.add({ tenantId, day }, unsynced);
        end();
      },
      end,
    };
  };
};
