import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import {
  commitGroup,
  type Conditions,
  type Outcome,
  type Pending,
  type UnmetCondition,
} from './commit-group.ts';
import type { AuditEntry } from '../audit/entry.ts';

/** The result of `meanwhile`, or the condition that did not hold. */
export type Recorded<T> = { outcome: 'committed'; made: T } | { outcome: UnmetCondition };

/**
 * Group commit for the token endpoint. While one transaction runs, new requests form the next group, so they share one
 * fsync.
 */
export interface Ledger {
  /**
   * Resolves when the entry and its usage are committed, or to the condition that did not hold. Conditions are checked
   * under the lock of the audit head, which suspending an agent takes too. `meanwhile` runs during the commit, but only if
   * all conditions are met. Rejects with the error of `meanwhile` after the commit, or with a 503 Problem.
   */
  record<T>(entry: AuditEntry, conditions: Conditions, meanwhile: () => T): Promise<Recorded<T>>;
}

interface Waiting extends Pending {
  since: number;
  refuse(outcome: UnmetCondition): void;
  reject(reason: unknown): void;
}

/** Larger groups are not faster and hold their locks longer. */
const MAX_GROUP = 256;
/** How long a request waits for the locked audit head of its tenant. */
const PATIENCE_MS = 1_000;

/** Calls `onUse` for each credential that got a token. */
export const createLedger = (db: Database, onUse: (credentialId: string, at: Date) => void): Ledger => {
  let queue: Waiting[] = [];
  let running = false;

  const settle = ({ committed, refused, busy }: Outcome<Waiting>): void => {
    for (const [waiting, answer] of committed) {
      answer();
      onUse(waiting.conditions.credentialId, waiting.entry.occurredAt);
    }
    for (const [waiting, outcome] of refused) waiting.refuse(outcome);
    const late = performance.now() - PATIENCE_MS;
    for (const waiting of busy) {
      if (waiting.since < late)
        waiting.reject(unavailable(new Error('the audit head was locked for too long')));
      else queue.push(waiting);
    }
  };

  const drain = async (): Promise<void> => {
    while (queue.length) {
      const group = queue.slice(0, MAX_GROUP);
      queue = queue.slice(MAX_GROUP);
      try {
        const outcome = await commitGroup(db, group);
        settle(outcome);
        // Every head is locked: pause instead of spinning.
        if (outcome.busy.length === group.length) await new Promise((resolve) => setTimeout(resolve, 5));
      } catch (error) {
        for (const waiting of group) waiting.reject(unavailable(error));
      }
    }
    running = false;
  };

  return {
    record: <T>(entry: AuditEntry, conditions: Conditions, meanwhile: () => T) =>
      new Promise<Recorded<T>>((resolve, reject) => {
        queue.push({
          entry,
          conditions,
          meanwhile: () => {
            try {
              const made = meanwhile();
              return () => resolve({ outcome: 'committed', made });
            } catch (error) {
              return () => reject(error as Error);
            }
          },
          since: performance.now(),
          refuse: (outcome) => resolve({ outcome }),
          reject,
        });
        if (running) return;
        // Wait for the rest of this event loop turn. Otherwise the first request commits alone and the others wait.
        running = true;
        setImmediate(() => void drain());
      }),
  };
};
