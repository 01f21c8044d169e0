import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import type { Logger } from '../../platform/logger.ts';
import { listen } from '../../platform/notifications.ts';
import { unavailable } from '../../platform/problem.ts';
import type { Revocations, RevocationRows } from './revocations.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/** Brings what ends tokens, and what signs them, from Postgres into this process's memory. */
export interface TokenFeed {
  /**
   * Resolves when memory holds all that was committed `maxAgeMs` ago: at once where the feed runs, else by asking
   * Postgres. Problem: `service_unavailable`.
   */
  fresh(maxAgeMs?: number): Promise<void> | undefined;
  /** Reads: what was committed before the call is in memory when it resolves. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

const POLL_MS = 500;
/** A revocation is felt in every process within this. */
const MAX_AGE_MS = 1_000;
const SWEEP_MS = 10_000;
const DELETE_MS = 600_000;

export interface TokenFeedDeps {
  db: Database;
  logger: Logger;
  config: { APP_DATABASE_URL: string };
  signingKeys: SigningKeys;
  revocations: Revocations;
}

/**
 * One statement, so one snapshot. `horizon`: every transaction not seen in it has this number or a later one. The numbers
 * are of one server: another, such as a standby that took over, has used some of them for transactions of its own. So of
 * a server that was not the one of the last reading, all that has not expired is read.
 */
const READ = `
  select s.server, s.since = '0' as "isWhole", pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
    (select coalesce(jsonb_agg(r), '[]') from read_revoked_tokens(s.since) r) as tokens,
    (select coalesce(jsonb_agg(c), '[]') from read_revoked_credentials(s.since) c) as credentials,
    (select coalesce(jsonb_agg(m), '[]') from read_not_before_marks(s.since) m) as marks,
    (select string_agg(k.kid || ' ' || k.status, ',' order by k.kid) from read_signing_keys() k) as keys
  from (
    select server, case server when ? then ?::xid8 else '0' end as since
    from (select extract(epoch from pg_postmaster_start_time())::text as server) as started
  ) as s`;

type Row = RevocationRows & { server: string; isWhole: boolean; horizon: string; keys: string | null };

interface Reader {
  read(): Promise<void>;
  /** The next reading is of all that has not expired: the server may have lost what the last one has seen. */
  startOver(): void;
}

const createReader = ({ db, signingKeys, revocations }: TokenFeedDeps): Reader => {
  const nothing = () => ({ server: '', horizon: '0' });
  let last = nothing();
  return {
    startOver: () => void (last = nothing()),
    read: async () => {
      const from = last;
      const [row] = await db.acrossTenants(
        async (trx) => (await trx.raw<{ rows: Row[] }>(READ, [from.server, from.horizon])).rows,
      );
      if (!row) return;
      if (row.isWhole) revocations.replace(row);
      else revocations.add(row);
      await signingKeys.follow(row.keys ?? '');
      // Unless it was to start over meanwhile.
      if (last === from) last = row;
    },
  };
};

/** Reads once, and then at every notice and twice a second; rejects where the first reading fails. */
export const startTokenFeed = async (deps: TokenFeedDeps): Promise<TokenFeed> => {
  const { db, logger, config, revocations } = deps;
  const { read, startOver } = createReader(deps);
  let asOf = -Infinity;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const run = (): Promise<void> => {
    const started = performance.now();
    running = read()
      .then(() => void (asOf = started))
      .finally(() => (running = undefined));
    return running;
  };
  /** One that is under way may have looked already: whoever comes meanwhile shares the one after it. */
  const refresh = (): Promise<void> => {
    if (!running) return run();
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  };
  await refresh();
  const listener = listen(config, logger, 'sentryagent_token_feed', (isConnected) => {
    if (isConnected) startOver();
    void refresh().catch(() => {});
  });
  const timers = [
    every(POLL_MS, logger, 'reading revocations and keys', refresh),
    every(SWEEP_MS, logger, 'removing expired revocations from memory', async () => revocations.sweep()),
    every(DELETE_MS, logger, 'deleting expired revocations', async () => {
      await db.acrossTenants((trx) => trx.raw('select delete_ended_revocations()'));
    }),
  ];
  return {
    refresh,
    fresh: (maxAgeMs = MAX_AGE_MS) =>
      performance.now() - asOf < maxAgeMs
        ? undefined
        : refresh().catch((error: unknown) => {
            throw unavailable(error);
          }),
    stop: async () => {
      for (const stop of timers) stop();
      await listener.stop();
      await Promise.allSettled([running, next]);
    },
  };
};
