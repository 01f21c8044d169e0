import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { flushChanged, flushOwn, flushUnstored, shareUnshared, type OnStored } from './flush-usage.ts';
import type { OwnCounts } from './own-counts.ts';
import { createRecorder } from './record-totals.ts';
import type { RedisLink } from './redis-link.ts';
import type { CounterRedis } from './scripts.ts';

export interface FlusherDeps {
  db: Database;
  logger: Logger;
  own: OwnCounts;
  /** Refused calls. */
  refused: OwnCounts;
  /** Not set: the process counts alone. */
  redis: CounterRedis | undefined;
  link: RedisLink;
  onStored?: OnStored | undefined;
}

/** Moves counts between this process, Redis and Postgres. */
export const createFlusher = ({
  db,
  logger,
  own,
  refused,
  redis,
  link,
  onStored = async () => {},
}: FlusherDeps) => {
  const record = createRecorder(logger);
  const deps = { db, record, own, onStored };
  const flushKept = (): Promise<void> => flushOwn(deps, redis !== undefined);
  let hadRedis = true;

  return {
    /** Exchanges counts between processes with and without Redis, through Postgres. */
    keepUp: async (): Promise<void> => {
      // Without Redis, the other processes see this process's calls only in Postgres, so it writes all of them.
      if (hadRedis && !link.isClosed()) own.markAllUnsynced();
      hadRedis = link.isClosed();
      await flushKept();
      if (redis && link.isClosed()) await shareUnshared({ ...deps, redis });
    },
    flush: async (): Promise<void> => {
      await flushKept();
      if (redis && link.isClosed()) {
        await shareUnshared({ ...deps, redis });
        await flushChanged({ ...deps, redis });
        await flushUnstored(deps);
      }
      await flushUnstored({ ...deps, own: refused, onStored: async () => {} });
    },
  };
};
