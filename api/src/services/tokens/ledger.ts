import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import type { Database } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import {
  commitGroup,
  type Answer,
  type Conditions,
  type Pending,
  type UnmetCondition,
} from './commit-group.ts';
import type { AuditEntry } from '../audit/entry.ts';

/** The result of `meanwhile`, or the condition that did not hold. */
export type Recorded<T> = { outcome: 'committed'; made: T } | { outcome: UnmetCondition };

/**
 * Group commit for the token endpoint. While one statement runs, new requests form the next group, so they share one
 * fsync.
 */
export interface Ledger {
  /**
   * Resolves when the entry and its usage are committed, or to the condition that did not hold. Conditions are checked
   * under the lock of the audit head, which suspending an agent takes too. `meanwhile` runs during the commit, and what it
   * made is dropped if a condition does not hold. Rejects with the error of `meanwhile` after the commit, or with a 503
   * Problem.
   */
  record<T>(entry: AuditEntry, conditions: Conditions, meanwhile: () => T): Promise<Recorded<T>>;
}

interface Waiting extends Pending {
  since: number;
  /** Makes what answers the request if its entry is committed. Does not throw. */
  prepare(): () => void;
  prepared?: () => void;
  refuse(outcome: UnmetCondition): void;
  reject(reason: unknown): void;
}

/** Larger groups are not faster and hold their locks longer. */
const MAX_GROUP = 256;
/** How long a request waits for the locked audit head of its tenant. */
const PATIENCE_MS = 1_000;
const BLOCKED_MS = 5;

/** Calls `onUse` for each credential that got a token. */
export const createLedger = (db: Database, onUse: (credentialId: string, at: Date) => void): Ledger => {
  let queue: Waiting[] = [];
  let running = false;

  const settle = (waiting: Waiting, answer: Answer): void => {
    if (answer === 'committed') {
      waiting.prepared!();
      onUse(waiting.conditions.credentialId, waiting.entry.occurredAt);
    } else if (answer !== 'busy') waiting.refuse(answer);
    else if (waiting.since < performance.now() - PATIENCE_MS)
      waiting.reject(unavailable(new Error('the audit head was locked for too long')));
    else queue.push(waiting);
  };

  const drain = async (): Promise<void> => {
    while (queue.length) {
      const group = queue.slice(0, MAX_GROUP);
      queue = queue.slice(MAX_GROUP);
      try {
        const answers = await commitGroup(db, group, () => {
          for (const waiting of group) waiting.prepared ??= waiting.prepare();
        });
        for (const [index, waiting] of group.entries()) settle(waiting, answers[index]!);
        // Every head is locked: pause instead of spinning. Else take what has arrived meanwhile into the next group.
        const isBlocked = answers.every((answer) => answer === 'busy');
        await (isBlocked ? wait(BLOCKED_MS) : nextTurn());
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
          prepare: () => {
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
