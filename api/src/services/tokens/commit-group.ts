import type { Database, Send } from '../../platform/database.ts';
import type { AssertionUse } from '../clients/client.ts';
import { useAssertions, type Use } from '../clients/use-assertions.ts';
import { chain, type Head } from '../audit/chain.ts';
import type { AuditEntry } from '../audit/entry.ts';

/**
 * `not_live`: the agent, the credential or its secret can no longer authenticate. `scope_lost`: an agent has lost a
 * scope of the token. `replayed`: the assertion was already used.
 */
export type UnmetCondition = 'not_live' | 'subject_not_live' | 'scope_lost' | 'replayed';

/** Checked in the transaction that commits the entry. */
export interface Conditions {
  credentialId: string;
  /** The number of the secret that the client sent. Not set for keys, which never rotate. */
  generation?: number | undefined;
  /** Other agents that the token acts for. Each must be active. */
  agentIds?: readonly string[];
  /** The client and each of these agents must hold all of these scopes, of the resource if set, else of the API. */
  scopes?: readonly string[];
  resourceId?: string | undefined;
  /** The commit marks it as used. */
  assertion?: AssertionUse | undefined;
}

/** Answers a request whose entry is committed. */
export type Answer = () => void;

export interface Pending {
  entry: AuditEntry;
  conditions: Conditions;
  /** Called after the commit was sent, to make the answer. Must not throw. */
  meanwhile: () => Answer;
}

/** The result of a group. Busy requests wait for the next group. */
export interface Outcome<P> {
  committed: Map<P, Answer>;
  refused: Map<P, UnmetCondition>;
  busy: P[];
}

const lockHeads = async (send: Send, group: Pending[]): Promise<Map<string, Head>> => {
  const tenantIds = [...new Set(group.map(({ entry }) => entry.tenantId))].sort();
  const heads = await send<Head & { tenant_id: string }>(
    'select tenant_id, sequence, hash from lock_audit_heads($1)',
    [tenantIds],
  );
  return new Map(heads.map(({ tenant_id, sequence, hash }) => [tenant_id, { sequence, hash }]));
};

const proofOf = ({ credentialId, generation = 0 }: Conditions): string => `${credentialId} ${generation}`;

type Granted = Map<string, string[]>;

/** The proofs of this group that can still authenticate, with the scopes of their agents. */
const findLiveProofs = async (send: Send, group: Pending[]): Promise<Granted> => {
  const proofs = [...new Map(group.map(({ conditions }) => [proofOf(conditions), conditions])).values()];
  const rows = await send<{ credential_id: string; generation: number; scopes: string[] }>(
    'select credential_id, generation, scopes from live_proofs($1, $2)',
    [proofs.map(({ credentialId }) => credentialId), proofs.map(({ generation = 0 }) => generation)],
  );
  return new Map(
    rows.map(({ credential_id: credentialId, generation, scopes }) => [
      proofOf({ credentialId, generation }),
      scopes,
    ]),
  );
};

/** The active agents among those that the tokens of this group act for, with their scopes. */
const findLiveAgents = async (send: Send, group: Pending[]): Promise<Granted> => {
  const ids = new Set(group.flatMap(({ conditions }) => conditions.agentIds ?? []));
  if (ids.size === 0) return new Map();
  const rows = await send<{ id: string; scopes: string[] }>('select id, scopes from find_live_agents($1)', [
    [...ids],
  ]);
  return new Map(rows.map(({ id, scopes }) => [id, scopes]));
};

const grantOf = (agentId: string, resourceId: string): string => `${agentId} ${resourceId}`;

/** The resource grants of the clients of this group and of the agents that they act for. */
const findGrants = async (send: Send, group: Pending[]): Promise<Granted> => {
  const asked = new Map(
    group.flatMap(({ entry: { tenantId, actorId }, conditions: { resourceId, agentIds = [] } }) =>
      resourceId === undefined
        ? []
        : [actorId, ...agentIds].map((agentId) => [
            grantOf(agentId, resourceId),
            { tenantId, agentId, resourceId },
          ]),
    ),
  );
  if (asked.size === 0) return new Map();
  const keys = [...asked.values()];
  const rows = await send<{ agent_id: string; resource_id: string; scopes: string[] }>(
    'select agent_id, resource_id, scopes from find_resource_grants($1, $2, $3)',
    [
      keys.map(({ tenantId }) => tenantId),
      keys.map(({ agentId }) => agentId),
      keys.map(({ resourceId }) => resourceId),
    ],
  );
  return new Map(
    rows.map(({ agent_id: agentId, resource_id: resourceId, scopes }) => [
      grantOf(agentId, resourceId),
      scopes,
    ]),
  );
};

interface Live {
  proofs: Granted;
  agents: Granted;
  grants: Granted;
}

/** The scopes that the client and each agent of the token hold for its audience; `undefined` for one that is not live. */
const heldBy = (
  { entry: { actorId }, conditions }: Pending,
  { proofs, agents, grants }: Live,
): (string[] | undefined)[] => {
  const { resourceId, agentIds = [] } = conditions;
  const held = (agentId: string, ofApi: string[] | undefined): string[] | undefined =>
    ofApi && resourceId !== undefined ? (grants.get(grantOf(agentId, resourceId)) ?? []) : ofApi;
  return [held(actorId, proofs.get(proofOf(conditions))), ...agentIds.map((id) => held(id, agents.get(id)))];
};

/** The first condition that is not met. Does not check the assertion. */
const findFault = (pending: Pending, live: Live): Exclude<UnmetCondition, 'replayed'> | undefined => {
  const { scopes = [] } = pending.conditions;
  const [ofClient, ...ofOthers] = heldBy(pending, live);
  if (!ofClient) return 'not_live';
  if (ofOthers.includes(undefined)) return 'subject_not_live';
  const granted = [ofClient, ...ofOthers];
  return granted.every((held) => scopes.every((scope) => held!.includes(scope))) ? undefined : 'scope_lost';
};

/** The refused requests, each with its first unmet condition. Marks the assertions of the others as used. */
const findRefused = async <P extends Pending>(
  send: Send,
  group: P[],
  live: Live,
): Promise<Outcome<P>['refused']> => {
  const refused: Outcome<P>['refused'] = new Map();
  const uses = new Map<P, Use>();
  for (const pending of group) {
    const { entry, conditions } = pending;
    const { assertion, credentialId } = conditions;
    const fault = findFault(pending, live);
    if (fault) refused.set(pending, fault);
    else if (assertion) {
      uses.set(pending, { ...assertion, tenantId: entry.tenantId, credentialId, usedBy: entry.eventId });
    }
  }
  const first = await useAssertions(send, [...uses.values()]);
  for (const [pending, { usedBy }] of uses) if (!first.has(usedBy)) refused.set(pending, 'replayed');
  return refused;
};

const chainGroup = (heads: Map<string, Head>, group: Pending[]): string[] =>
  [...Map.groupBy(group, ({ entry }) => entry.tenantId)].flatMap(([tenantId, pending]) =>
    chain(
      heads.get(tenantId)!,
      pending.map(({ entry }) => entry),
    ),
  );

/**
 * Two round trips, or three with assertions. Liveness and grants are read by separate statements after the lock, because
 * they must see what the previous holder of the lock committed.
 */
export const commitGroup = async <P extends Pending>(
  db: Pick<Database, 'pipelined'>,
  group: P[],
): Promise<Outcome<P>> => {
  const { promise: answers, resolve } = Promise.withResolvers<Outcome<P>['committed']>();
  const { refused, busy } = await db.pipelined(async (send) => {
    const [heads, proofs, agents, grants] = await Promise.all([
      lockHeads(send, group),
      findLiveProofs(send, group),
      findLiveAgents(send, group),
      findGrants(send, group),
    ]);
    const busy = group.filter(({ entry }) => !heads.has(entry.tenantId));
    const taken = group.filter(({ entry }) => heads.has(entry.tenantId));
    const refused = await findRefused(send, taken, { proofs, agents, grants });
    const committed = taken.filter((pending) => !refused.has(pending));
    const rows = chainGroup(heads, committed);
    // Runs after this turn of the event loop, so after the commit was sent.
    setImmediate(() => resolve(new Map(committed.map((pending) => [pending, pending.meanwhile()]))));
    if (rows.length) void send('select append_audit($1)', [`[${rows.join(',')}]`]);
    return { refused, busy };
  });
  return { committed: await answers, refused, busy };
};
