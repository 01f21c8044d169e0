import type { Config } from '../../config.ts';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import type { Logger } from '../../platform/logger.ts';
import { listen } from '../../platform/notifications.ts';
import { unavailable } from '../../platform/problem.ts';
import type { Revocations, RevocationRows } from './revocations.ts';
import type { SigningKeys } from './signing-keys.ts';

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
  config: Pick<Config, 'APP_DATABASE_URL'>;
  signingKeys: SigningKeys;
  revocations: Revocations;
}

/** One statement, so one snapshot. `horizon`: every transaction not seen in it has this number or a later one. */
const READ = `
  select pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
    (select coalesce(jsonb_agg(r), '[]') from read_revoked_tokens(?::xid8) r) as tokens,
    (select coalesce(jsonb_agg(c), '[]') from read_revoked_credentials(?::xid8) c) as credentials,
    (select coalesce(jsonb_agg(m), '[]') from read_not_before_marks(?::xid8) m) as marks,
    (select string_agg(k.kid || ' ' || k.status, ',' order by k.kid) from read_signing_keys() k) as keys`;

type Row = RevocationRows & { horizon: string; keys: string | null };

const createReader = ({ db, signingKeys, revocations }: TokenFeedDeps): (() => Promise<void>) => {
  let since = '0';
  return async () => {
    const [row] = await db.acrossTenants(
      async (trx) => (await trx.raw<{ rows: Row[] }>(READ, [since, since, since])).rows,
    );
    if (!row) return;
    revocations.add(row);
    await signingKeys.follow(row.keys ?? '');
    since = row.horizon;
  };
};

/** Reads once, and then at every notice and twice a second; rejects where the first reading fails. */
export const startTokenFeed = async (deps: TokenFeedDeps): Promise<TokenFeed> => {
  const { db, logger, config, revocations } = deps;
  const read = createReader(deps);
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
  const listener = listen(config, logger, 'sentryagent_token_feed', () => void refresh().catch(() => {}));
  const timers = [
    every(POLL_MS, logger, 'reading revocations and keys', refresh),
    every(SWEEP_MS, logger, 'dropping ended revocations', async () => revocations.sweep()),
    every(DELETE_MS, logger, 'deleting ended revocations', async () => {
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
