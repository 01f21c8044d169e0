import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { commitGroup } from './commit-group.ts';
import type { Conditions, Outcome, Pending, UnmetCondition } from './commit-group.ts';
import type { AuditEntry } from '../audit/entry.ts';

/** What the caller made during the commit, or the condition that kept the entry from being committed. */
export type Recorded<T> = { outcome: 'committed'; made: T } | { outcome: UnmetCondition };

/**
 * The grouped commit of the token path. While one transaction is on its way the next requests gather, and go
 * together: durability costs each of them a share of one fsync.
 */
export interface Ledger {
  /**
   * Resolves once the entry and its usage are committed, or to which condition did not hold, checked under the head
   * lock that suspending takes too. Rejects with a 503 Problem otherwise, or with what `meanwhile` has thrown: what the
   * caller does while the commit is on its way, for which the event loop would only wait. It is left undone if a
   * condition does not hold.
   */
  record<T>(entry: AuditEntry, conditions: Conditions, meanwhile: () => T): Promise<Recorded<T>>;
}

interface Waiting<T = unknown> extends Pending {
  since: number;
  /** Is there once `meanwhile` has returned: the answer of a request that is committed. */
  committed?: Recorded<T>;
  resolve(recorded: Recorded<T>): void;
  reject(reason: unknown): void;
}

/** Larger groups gain nothing and hold their heads longer. */
const MAX_GROUP = 256;
/** How long a request waits for the head of a busy tenant. */
const PATIENCE_MS = 1_000;

/** `onUse` hears of each credential that has got a token. */
export const createLedger = (db: Database, onUse: (credentialId: string, at: Date) => void): Ledger => {
  let queue: Waiting[] = [];
  let running = false;

  const settle = ({ committed, refused, busy }: Outcome<Waiting>): void => {
    for (const waiting of committed) {
      if (waiting.committed) waiting.resolve(waiting.committed);
      else waiting.reject(new Error('a commit ended before its answer was made'));
      onUse(waiting.conditions.credentialId, waiting.entry.occurredAt);
    }
    for (const [waiting, outcome] of refused) waiting.resolve({ outcome });
    const late = performance.now() - PATIENCE_MS;
    for (const waiting of busy) {
      if (waiting.since < late) waiting.reject(unavailable(new Error('the audit head stayed busy')));
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
        // Only busy heads are left: their holders need a moment, not a spinning loop.
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
        const waiting: Waiting<T> = {
          entry,
          conditions,
          meanwhile: () => {
            try {
              waiting.committed = { outcome: 'committed', made: meanwhile() };
            } catch (error) {
              reject(error as Error);
            }
          },
          since: performance.now(),
          resolve,
          reject,
        };
        queue.push(waiting);
        if (running) return;
        // What this turn of the event loop brings goes together: the first of it would go alone, and the others wait.
        running = true;
        setImmediate(() => void drain());
      }),
  };
};
