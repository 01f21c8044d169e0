import type { Database } from '../../platform/database.ts';
import type { AssertionUse } from '../clients/client.ts';
import { toParts } from '../audit/chain.ts';
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

export interface Pending {
  entry: AuditEntry;
  conditions: Conditions;
}

/** Busy: another transaction has locked the audit head of the tenant. */
export type Answer = 'committed' | 'busy' | UnmetCondition;

/** The distinct proofs of a group, as JSON, and the place of each from 1. */
const numberProofs = (group: readonly Pending[]) => {
  const places = new Map<string, number>();
  const placeOf = ({ entry: { tenantId, actorId }, conditions }: Pending): number => {
    const { credentialId, generation = 0, agentIds = [], scopes = [], resourceId } = conditions;
    const proof = JSON.stringify({
      tenant_id: tenantId,
      agent_id: actorId,
      credential_id: credentialId,
      generation,
      for_agents: [...new Set(agentIds)],
      scopes,
      resource_id: resourceId,
    });
    const place = places.get(proof) ?? places.size + 1;
    places.set(proof, place);
    return place;
  };
  const placed = group.map(placeOf);
  return { placed, proofs: `[${[...places.keys()].join(',')}]` };
};

/** The assertions that the commit marks as used, as JSON. */
const usesOf = (group: readonly Pending[], placed: readonly number[]): string | null => {
  const uses = group.flatMap(({ entry, conditions: { assertion } }, index) =>
    assertion
      ? [
          {
            entry: index + 1,
            proof: placed[index],
            jti: assertion.jti,
            used_by: entry.eventId,
            expires_at: assertion.expiresAt,
          },
        ]
      : [],
  );
  return uses.length > 0 ? JSON.stringify(uses) : null;
};

/**
 * Commits the entries of a group by one statement, which also checks their conditions. Postgres chains them, because it
 * knows the head and the refused entries only under the lock. `sent` runs while Postgres works. Returns an answer for
 * each.
 */
export const commitGroup = async (
  db: Pick<Database, 'runAlone'>,
  group: readonly Pending[],
  sent: () => void,
): Promise<Answer[]> => {
  const { placed, proofs } = numberProofs(group);
  const entries = group.map(({ entry }, index) => `${placed[index]}\t${toParts(entry).join('\t')}`);
  const others = await db.runAlone<{ entry: number; answer: Exclude<Answer, 'committed'> }>(
    {
      name: 'record_tokens',
      text: 'select entry, answer from record_tokens($1, $2, $3)',
      values: [proofs, entries.join('\n'), usesOf(group, placed)],
    },
    sent,
  );
  const answers = group.map((): Answer => 'committed');
  for (const { entry, answer } of others) answers[entry - 1] = answer;
  return answers;
};
