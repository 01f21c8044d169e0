import type { Database, Send } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { chain } from './chain.ts';
import type { Head } from './chain.ts';
import type { AuditEntry, ChainedEntry } from './entry.ts';

export type Recorded = 'committed' | 'not_live';

/**
 * The grouped commit of the token path. While one transaction is on its way the next requests gather, and go
 * together: durability costs each of them a share of one fsync.
 */
export interface Ledger {
  /**
   * Resolves once the entry and its usage are committed; `not_live` when agent or credential may no longer
   * authenticate, checked under the head lock that suspending takes too. Rejects with a 503 Problem otherwise.
   */
  record(entry: AuditEntry, credentialId: string): Promise<Recorded>;
}

interface Waiting {
  entry: AuditEntry;
  credentialId: string;
  since: number;
  resolve: (recorded: Recorded) => void;
  reject: (reason: unknown) => void;
}

/** Larger groups gain nothing and hold their heads longer. */
const MAX_GROUP = 256;
/** How long a request waits for the head of a busy tenant. */
const PATIENCE_MS = 1_000;

const lockHeads = async (send: Send, tenantIds: string[]): Promise<Map<string, Head>> => {
  const heads = await send<Head & { tenant_id: string }>(
    'select tenant_id, sequence, hash from lock_audit_heads($1)',
    [tenantIds],
  );
  return new Map(heads.map(({ tenant_id, sequence, hash }) => [tenant_id, { sequence, hash }]));
};

const findLive = async (send: Send, credentialIds: string[]): Promise<Set<string>> => {
  const live = await send<{ id: string }>('select live_credentials($1) as id', [credentialIds]);
  return new Set(live.map(({ id }) => id));
};

/** What became of each request of a group: busy ones wait for the next. */
interface Outcome {
  committed: Waiting[];
  notLive: Waiting[];
  busy: Waiting[];
}

const chainGroup = (heads: Map<string, Head>, group: Waiting[]): ChainedEntry[] =>
  [...Map.groupBy(group, ({ entry }) => entry.tenantId)].flatMap(([tenantId, waiting]) =>
    chain(
      heads.get(tenantId)!,
      waiting.map(({ entry }) => entry),
    ),
  );

/** Two round trips. Who is live is a statement of its own after the lock: it must see what its last holder did. */
const commitGroup = (db: Pick<Database, 'pipelined'>, group: Waiting[]): Promise<Outcome> =>
  db.pipelined(async (send) => {
    const [heads, live] = await Promise.all([
      lockHeads(send, [...new Set(group.map(({ entry }) => entry.tenantId))].sort()),
      findLive(send, [...new Set(group.map(({ credentialId }) => credentialId))]),
    ]);
    const busy = group.filter(({ entry }) => !heads.has(entry.tenantId));
    const taken = group.filter(({ entry }) => heads.has(entry.tenantId));
    const committed = taken.filter(({ credentialId }) => live.has(credentialId));
    const links = chainGroup(heads, committed);
    if (links.length) void send('select append_audit($1)', [JSON.stringify(links)]);
    return { committed, notLive: taken.filter(({ credentialId }) => !live.has(credentialId)), busy };
  });

export const createLedger = (db: Database): Ledger => {
  let queue: Waiting[] = [];
  let running = false;

  const settle = ({ committed, notLive, busy }: Outcome): void => {
    for (const waiting of committed) waiting.resolve('committed');
    for (const waiting of notLive) waiting.resolve('not_live');
    const late = performance.now() - PATIENCE_MS;
    for (const waiting of busy) {
      if (waiting.since < late) waiting.reject(unavailable(new Error('the audit head stayed busy')));
      else queue.push(waiting);
    }
  };

  const drain = async (): Promise<void> => {
    running = true;
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
    record: (entry, credentialId) =>
      new Promise((resolve, reject) => {
        queue.push({ entry, credentialId, since: performance.now(), resolve, reject });
        if (!running) void drain();
      }),
  };
};
