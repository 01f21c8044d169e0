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
   * Resolves once the entry and its usage are committed; `not_live` when the agent, the credential or this secret of it
   * may no longer authenticate, checked under the head lock that suspending takes too. Rejects with a 503 Problem
   * otherwise.
   */
  record(entry: AuditEntry, credentialId: string, generation?: number): Promise<Recorded>;
}

/** What a request has proved itself with. */
interface Proof {
  credentialId: string;
  generation: number;
}

interface Waiting {
  entry: AuditEntry;
  proof: Proof;
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

const keyOf = ({ credentialId, generation }: Proof): string => `${credentialId} ${generation}`;

/** Which of these requests may still authenticate. */
const findLive = async (send: Send, waiting: Waiting[]): Promise<(one: Waiting) => boolean> => {
  const proofs = [...new Map(waiting.map(({ proof }) => [keyOf(proof), proof])).values()];
  const rows = await send<{ credential_id: string; generation: number }>(
    'select credential_id, generation from live_proofs($1, $2)',
    [proofs.map(({ credentialId }) => credentialId), proofs.map(({ generation }) => generation)],
  );
  const live = new Set(
    rows.map((row) => keyOf({ credentialId: row.credential_id, generation: row.generation })),
  );
  return ({ proof }) => live.has(keyOf(proof));
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
    const [heads, isLive] = await Promise.all([
      lockHeads(send, [...new Set(group.map(({ entry }) => entry.tenantId))].sort()),
      findLive(send, group),
    ]);
    const busy = group.filter(({ entry }) => !heads.has(entry.tenantId));
    const taken = group.filter(({ entry }) => heads.has(entry.tenantId));
    const committed = taken.filter(isLive);
    const links = chainGroup(heads, committed);
    if (links.length) void send('select append_audit($1)', [JSON.stringify(links)]);
    return { committed, notLive: taken.filter((waiting) => !isLive(waiting)), busy };
  });

/** `onUse` hears of each credential that has got a token. */
export const createLedger = (db: Database, onUse: (credentialId: string, at: Date) => void): Ledger => {
  let queue: Waiting[] = [];
  let running = false;

  const settle = ({ committed, notLive, busy }: Outcome): void => {
    for (const { resolve, proof, entry } of committed) {
      resolve('committed');
      onUse(proof.credentialId, entry.occurredAt);
    }
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
    record: (entry, credentialId, generation = 0) =>
      new Promise((resolve, reject) => {
        queue.push({ entry, proof: { credentialId, generation }, since: performance.now(), resolve, reject });
        if (!running) void drain();
      }),
  };
};
