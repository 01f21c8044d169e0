import type { Database, Transaction } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import { chain } from './chain.ts';
import type { Head } from './chain.ts';
import type { AuditEntry } from './entry.ts';

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

const lockHeads = async (trx: Transaction, tenantIds: string[]): Promise<Map<string, Head>> => {
  const { rows } = await trx.raw<{ rows: (Head & { tenant_id: string })[] }>(
    'select tenant_id, sequence, hash from lock_audit_heads(?)',
    [tenantIds],
  );
  return new Map(rows.map(({ tenant_id, sequence, hash }) => [tenant_id, { sequence, hash }]));
};

const keyOf = ({ credentialId, generation }: Proof): string => `${credentialId} ${generation}`;

/** Which of these requests may still authenticate. */
const findLive = async (trx: Transaction, waiting: Waiting[]): Promise<(one: Waiting) => boolean> => {
  const proofs = [...new Map(waiting.map(({ proof }) => [keyOf(proof), proof])).values()];
  const { rows } = await trx.raw<{ rows: { credential_id: string; generation: number }[] }>(
    'select credential_id, generation from live_proofs(?, ?)',
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

const commitGroup = (db: Database, group: Waiting[]): Promise<Outcome> =>
  db.acrossTenants(async (trx) => {
    const heads = await lockHeads(trx, [...new Set(group.map(({ entry }) => entry.tenantId))].sort());
    const busy = group.filter(({ entry }) => !heads.has(entry.tenantId));
    const taken = group.filter(({ entry }) => heads.has(entry.tenantId));
    const isLive = await findLive(trx, taken);
    const committed = taken.filter(isLive);
    const byTenant = Map.groupBy(committed, ({ entry }) => entry.tenantId);
    const links = [...byTenant].flatMap(([tenantId, waiting]) =>
      chain(
        heads.get(tenantId)!,
        waiting.map(({ entry }) => entry),
      ),
    );
    if (links.length) await trx.raw('select append_audit(?)', [JSON.stringify(links)]);
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
