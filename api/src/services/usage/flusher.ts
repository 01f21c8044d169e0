import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { flushChanged, flushOwn, flushUnstored, shareUnshared } from './flush-usage.ts';
import type { OwnCounts } from './own-counts.ts';
import { createRecorder } from './record-totals.ts';
import type { RedisLink } from './redis-link.ts';
import type { CounterRedis } from './scripts.ts';

export interface FlusherDeps {
  db: Database;
  logger: Logger;
  own: OwnCounts;
  /** Absent: nobody shares anything. */
  redis: CounterRedis | undefined;
  link: RedisLink;
}

/** The ways of the counts between this process, Redis and Postgres. */
export const createFlusher = ({ db, logger, own, redis, link }: FlusherDeps) => {
  const record = createRecorder(logger);
  const deps = { db, record, own };
  const flushKept = (): Promise<void> => flushOwn(deps, redis !== undefined);
  let hadRedis = true;

  return {
    /** What a process that has Redis and one that has none tell each other, through Postgres. */
    keepUp: async (): Promise<void> => {
      // At the loss of Redis the others know of this process's calls from Postgres alone: all of them go there.
      if (hadRedis && !link.isClosed()) own.markAllUnsynced();
      hadRedis = link.isClosed();
      await flushKept();
      if (redis && link.isClosed()) await shareUnshared({ ...deps, redis });
    },
    flush: async (): Promise<void> => {
      await flushKept();
      if (!redis || !link.isClosed()) return;
      await shareUnshared({ ...deps, redis });
      await flushChanged({ ...deps, redis });
      await flushUnstored(deps);
    },
  };
};
