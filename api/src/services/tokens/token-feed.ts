import { coalesce } from '../../platform/coalesce.ts';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import type { Logger } from '../../platform/logger.ts';
import { listen } from '../../platform/notifications.ts';
import { unavailable } from '../../platform/problem.ts';
import type { CallCaps, CapRow } from '../usage/call-caps.ts';
import type { Revocations, RevocationRows } from './revocations.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/** Copies revocations, signing keys and caps of agents from Postgres into the memory of this process. */
export interface TokenFeed {
  /**
   * Resolves when memory has everything that was committed `maxAgeMs` ago: immediately while the feed works, else after
   * a read from Postgres. Problem: `service_unavailable`.
   */
  fresh(maxAgeMs?: number): Promise<void> | undefined;
  /** Resolves when memory has everything that was committed before the call. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

const POLL_MS = 500;
/** Every process applies a revocation within this time. */
const MAX_AGE_MS = 1_000;
const SWEEP_MS = 10_000;
const DELETE_MS = 600_000;

export interface TokenFeedDeps {
  db: Database;
  logger: Logger;
  config: { APP_DATABASE_URL: string };
  signingKeys: SigningKeys;
  revocations: Revocations;
  callCaps: CallCaps;
}

/**
 * One statement, so one snapshot. `horizon`: each transaction that it does not see has this number or a higher one. A
 * standby that took over uses the same numbers for other transactions. So after a change of the server, everything that
 * has not expired is read.
 */
const READ = `
  select s.server, s.since = '0' as "isWhole", pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
    (select coalesce(jsonb_agg(r), '[]') from read_revoked_tokens(s.since) r) as tokens,
    (select coalesce(jsonb_agg(c), '[]') from read_revoked_credentials(s.since) c) as credentials,
    (select coalesce(jsonb_agg(m), '[]') from read_not_before_marks(s.since) m) as marks,
    (select coalesce(jsonb_agg(c), '[]') from read_call_caps(s.since) c) as caps,
    (select string_agg(k.kid || ' ' || k.status, ',' order by k.kid) from read_signing_keys() k) as keys
  from (
    select server, case server when ? then ?::xid8 else '0' end as since
    from (select extract(epoch from pg_postmaster_start_time())::text as server) as started
  ) as s`;

type Row = RevocationRows & {
  caps: CapRow[];
  server: string;
  isWhole: boolean;
  horizon: string;
  keys: string | null;
};

interface Reader {
  read(): Promise<void>;
  /** The next read returns everything that has not expired, because the server may have lost transactions. */
  startOver(): void;
}

const createReader = ({ db, signingKeys, revocations, callCaps }: TokenFeedDeps): Reader => {
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
      callCaps.follow(row.caps, row.isWhole);
      await signingKeys.follow(row.keys ?? '');
      // `startOver` may have been called in the meantime.
      if (last === from) last = row;
    },
  };
};

/** Reads once, then at every notification and twice a second. Rejects if the first read fails. */
export const startTokenFeed = async (deps: TokenFeedDeps): Promise<TokenFeed> => {
  const { db, logger, config, revocations } = deps;
  const { read, startOver } = createReader(deps);
  let asOf = -Infinity;
  // A running read may have taken its snapshot already.
  const { run: refresh, settled } = coalesce(async () => {
    const started = performance.now();
    await read();
    asOf = started;
  });
  await refresh();
  const listener = listen(config, logger, 'sentryagent_token_feed', (isConnected) => {
    if (isConnected) startOver();
    void refresh().catch(() => {});
  });
  const timers = [
    every(POLL_MS, logger, 'reading revocations, keys and caps', refresh),
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
      await settled();
    },
  };
};
