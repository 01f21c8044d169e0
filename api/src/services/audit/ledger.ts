import type { Database, Send } from '../../platform/database.ts';
import { unavailable } from '../../platform/problem.ts';
import type { AssertionUse } from '../tokens/authenticate-client.ts';
import { useAssertions } from '../tokens/use-assertions.ts';
import { chain } from './chain.ts';
import type { Head } from './chain.ts';
import type { AuditEntry, ChainedEntry } from './entry.ts';

/** `not_live`: the agent, the credential or this secret of it may no longer authenticate. `replayed`: the assertion was used before. */
export type Recorded = 'committed' | 'not_live' | 'subject_not_live' | 'replayed';

/** What must hold as the entry is committed. */
export interface Conditions {
  credentialId: string;
  /** Which of the credential's secrets was shown; what is never rotated has none. */
  generation?: number | undefined;
  /** Other agents that the token speaks for: each must be active. */
  agentIds?: readonly string[];
  /** Is used up by the commit. */
  assertion?: AssertionUse | undefined;
}

/**
 * The grouped commit of the token path. While one transaction is on its way the next requests gather, and go
 * together: durability costs each of them a share of one fsync.
 */
export interface Ledger {
  /**
   * Resolves once the entry and its usage are committed, or to which condition did not hold, checked under the head
   * lock that suspending takes too. Rejects with a 503 Problem otherwise.
   */
  record(entry: AuditEntry, conditions: Conditions): Promise<Recorded>;
}

interface Waiting {
  entry: AuditEntry;
  conditions: Conditions;
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

interface Proof {
  credential_id: string;
  generation: number;
}

const proofOf = ({ conditions: { credentialId, generation = 0 } }: Waiting): Proof => ({
  credential_id: credentialId,
  generation,
});

const keyOf = ({ credential_id: credentialId, generation }: Proof): string => `${credentialId} ${generation}`;

/** Which of the proofs that this group came with still authenticate. */
const findLiveProofs = async (send: Send, group: Waiting[]): Promise<Set<string>> => {
  const proofs = [...new Map(group.map(proofOf).map((proof) => [keyOf(proof), proof])).values()];
  const rows = await send<Proof>('select credential_id, generation from live_proofs($1, $2)', [
    proofs.map(({ credential_id: id }) => id),
    proofs.map(({ generation }) => generation),
  ]);
  return new Set(rows.map(keyOf));
};

/** Which of the agents that this group's tokens speak for are active. */
const findLiveAgents = async (send: Send, group: Waiting[]): Promise<Set<string>> => {
  const ids = new Set(group.flatMap(({ conditions }) => conditions.agentIds ?? []));
  if (ids.size === 0) return ids;
  const rows = await send<{ id: string }>('select live_agents($1) as id', [[...ids]]);
  return new Set(rows.map(({ id }) => id));
};

interface Live {
  proofs: Set<string>;
  agents: Set<string>;
}

/** What the first condition that does not hold makes of each request; those where all hold are left out. */
const findRefused = async (
  send: Send,
  group: Waiting[],
  { proofs, agents }: Live,
): Promise<Map<Waiting, Recorded>> => {
  const refused = new Map<Waiting, Recorded>();
  for (const waiting of group) {
    const { agentIds = [] } = waiting.conditions;
    if (!proofs.has(keyOf(proofOf(waiting)))) refused.set(waiting, 'not_live');
    else if (!agentIds.every((id) => agents.has(id))) refused.set(waiting, 'subject_not_live');
  }
  const uses = group.flatMap((waiting) => {
    const { assertion, credentialId } = waiting.conditions;
    if (!assertion || refused.has(waiting)) return [];
    const { tenantId, eventId: usedBy } = waiting.entry;
    return [{ waiting, use: { ...assertion, tenantId, credentialId, usedBy } }];
  });
  const first = await useAssertions(
    send,
    uses.map(({ use }) => use),
  );
  for (const { waiting, use } of uses) if (!first.has(use.usedBy)) refused.set(waiting, 'replayed');
  return refused;
};

/** What became of each request of a group: busy ones wait for the next. */
interface Outcome {
  committed: Waiting[];
  refused: Map<Waiting, Recorded>;
  busy: Waiting[];
}

const chainGroup = (heads: Map<string, Head>, group: Waiting[]): ChainedEntry[] =>
  [...Map.groupBy(group, ({ entry }) => entry.tenantId)].flatMap(([tenantId, waiting]) =>
    chain(
      heads.get(tenantId)!,
      waiting.map(({ entry }) => entry),
    ),
  );

/**
 * Two round trips, three where assertions are used up. Who is live is asked by statements of their own after the lock:
 * they must see what its last holder did.
 */
const commitGroup = (db: Pick<Database, 'pipelined'>, group: Waiting[]): Promise<Outcome> =>
  db.pipelined(async (send) => {
    const [heads, proofs, agents] = await Promise.all([
      lockHeads(send, [...new Set(group.map(({ entry }) => entry.tenantId))].sort()),
      findLiveProofs(send, group),
      findLiveAgents(send, group),
    ]);
    const busy = group.filter(({ entry }) => !heads.has(entry.tenantId));
    const taken = group.filter(({ entry }) => heads.has(entry.tenantId));
    const refused = await findRefused(send, taken, { proofs, agents });
    const committed = taken.filter((waiting) => !refused.has(waiting));
    const links = chainGroup(heads, committed);
    if (links.length) void send('select append_audit($1)', [JSON.stringify(links)]);
    return { committed, refused, busy };
  });

/** `onUse` hears of each credential that has got a token. */
export const createLedger = (db: Database, onUse: (credentialId: string, at: Date) => void): Ledger => {
  let queue: Waiting[] = [];
  let running = false;

  const settle = ({ committed, refused, busy }: Outcome): void => {
    for (const { resolve, conditions, entry } of committed) {
      resolve('committed');
      onUse(conditions.credentialId, entry.occurredAt);
    }
    for (const [waiting, why] of refused) waiting.resolve(why);
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
    record: (entry, conditions) =>
      new Promise((resolve, reject) => {
        queue.push({ entry, conditions, since: performance.now(), resolve, reject });
        if (!running) void drain();
      }),
  };
};
