import type { Metered } from './admission.ts';
import type { OwnCounts } from './own-counts.ts';
import type { Counter } from './totals.ts';

/** A call that counts as usage. It is pending until it is counted or has ended. */
export interface Attempt extends Metered {
  /** The calls of the day that this process has certainly admitted. */
  floor(day: number): number;
  /** The same of the agent. */
  floorOfAgent(day: number): number;
  /**
   * The calls of the day that this process can have admitted, if all pending ones are admitted. Redis does not raise
   * the process's field above it. So a call that Redis runs too late, after it was counted in memory, counts nothing.
   */
  ceiling(day: number): number;
  /** The call was admitted. `unsynced`: Redis may not have it. */
  count(day: number, unsynced: boolean): void;
  /** The call was rejected, or its caller has gone. After `count`, it does nothing. */
  end(): void;
}

export type StartAttempt = (usage: Metered) => Attempt;

export const createAttempts = (own: OwnCounts): StartAttempt => {
  const underWay = new Map<string, number>();
  const add = (tenantId: string, calls: 1 | -1): void => {
    const now = (underWay.get(tenantId) ?? 0) + calls;
    if (now === 0) underWay.delete(tenantId);
    else underWay.set(tenantId, now);
  };

  return (usage) => {
    const { tenantId, agentId } = usage;
    const ofAgent = (day: number): Counter => ({ tenantId, day, agentId });
    let open = true;
    const end = (): void => {
      if (open) add(tenantId, -1);
      open = false;
    };
    add(tenantId, 1);
    return {
      ...usage,
      floor: (day) => own.get({ tenantId, day }),
      floorOfAgent: (day) => own.get(ofAgent(day)),
      ceiling: (day) => own.get({ tenantId, day }) + (underWay.get(tenantId) ?? 0),
      count: (day, unsynced) => {
        own.add({ tenantId, day }, unsynced);
        if (agentId !== undefined) own.add(ofAgent(day), unsynced);
        end();
      },
      end,
    };
  };
};
