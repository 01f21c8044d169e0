import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import type { Logger } from '../../platform/logger.ts';
import { recordRefusals, type Refusal } from './record-refusals.ts';

/** Records refused clients. Requests neither wait for it nor fail with it. */
export interface RefusedClients {
  /** Only writes to memory. */
  note(refusal: Omit<Refusal, 'at'>): void;
  /** Writes the noted refusals. */
  flush(): Promise<void>;
  /** Flushes a last time and stops. */
  stop(): Promise<void>;
}

const FLUSH_MS = 1_000;
const MINUTE_MS = 60_000;
/** With more clients in a minute, some are stored more often than needed. This is harmless. */
const MAX_KNOWN = 10_000;
/** Limits the look-up of each second, so that invented client ids cannot overload Postgres. */
const MAX_PENDING = 1_000;

export const createRefusedClients = (deps: {
  db: Database;
  logger: Logger;
  clock: Clock;
}): RefusedClients => {
  const { logger, clock } = deps;
  const noted = new LRUCache<string, number>({ max: MAX_KNOWN });
  const pending: Refusal[] = [];
  let dropped = 0;

  const tryAgain = (late: Refusal[]): void => {
    const since = clock().getTime() - MINUTE_MS;
    const room = Math.max(0, MAX_PENDING - pending.length);
    pending.unshift(...late.filter(({ at }) => at.getTime() > since).slice(0, room));
  };
  const write = async (): Promise<void> => {
    if (dropped > 0) logger.warn({ count: dropped }, 'too many clients were refused to report each one');
    dropped = 0;
    const batch = pending.splice(0);
    if (batch.length === 0) return;
    const late = await recordRefusals(deps, batch).catch((error: unknown) => {
      logger.warn({ err: error }, 'looking up refused clients failed');
      return batch;
    });
    tryAgain(late);
  };
  let last = Promise.resolve();
  const flush = (): Promise<void> => (last = last.then(write));
  const cancel = every(FLUSH_MS, logger, 'reporting refused clients', flush);

  return {
    note: (refusal) => {
      const at = clock();
      const clientId = refusal.clientId.slice(0, 64);
      const key = `${clientId} ${refusal.reason}`;
      const before = noted.get(key);
      if (before !== undefined && at.getTime() - before < MINUTE_MS) return;
      if (pending.length >= MAX_PENDING) {
        dropped += 1;
        return;
      }
      noted.set(key, at.getTime());
      pending.push({ ...refusal, clientId, at });
    },
    flush,
    stop: async () => {
      cancel();
      await flush();
    },
  };
};
