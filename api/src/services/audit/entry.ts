import { newId } from '../../platform/ids.ts';
import type { Origin, PresentedToken, Principal } from '../../platform/principal.ts';

/** Every act that the log tells. */
export type AuditAction =
  | 'agent.created'
  | 'agent.updated'
  | 'agent.suspended'
  | 'agent.reactivated'
  | 'agent.decommissioned'
  | 'credential.generated'
  | 'credential.rotated'
  | 'credential.revoked'
  | 'token.issued'
  | 'token.revoked'
  | 'token.exchanged'
  | 'auth.failed'
  | 'resource.created'
  | 'resource.deleted'
  | 'checkout.started'
  | 'subscription.updated';

/** No address where no caller acted, but a workflow of ours. */
export type AuditOrigin = Omit<Origin, 'ip'> & { ip: string | null };

/** One act, before the chain has given it its number and hash. */
export interface AuditEntry {
  tenantId: string;
  eventId: string;
  occurredAt: Date;
  actorKind: Principal['kind'] | 'system';
  actorId: string;
  agentId: string | null;
  action: AuditAction;
  outcome: 'success' | 'failure';
  origin: AuditOrigin;
  metadata: Record<string, unknown>;
}

/** Who acted, by which token, from where and when. */
export interface Act {
  actor: { tenantId: string; kind: AuditEntry['actorKind']; id: string; token?: PresentedToken };
  origin: AuditOrigin;
  at: Date;
}

/** Its id is told where something else carries it too, as a token's `jti` does. */
type What = Pick<AuditEntry, 'action' | 'agentId' | 'metadata'> & { eventId?: string };

/** Who stands behind an act: the token's client did it, for the subject, with everyone between them. */
const told = ({ id, token }: Act['actor'], metadata: AuditEntry['metadata']): AuditEntry['metadata'] => {
  if (!token) return metadata;
  const { jti, clientId, credentialId, actors } = token;
  return { ...metadata, token: { jti, clientId, credentialId, subject: id, actors } };
};

const toEntry = (outcome: AuditEntry['outcome'], { actor, origin, at }: Act, what: What): AuditEntry => ({
  eventId: newId('evt', at.getTime()),
  ...what,
  tenantId: actor.tenantId,
  occurredAt: at,
  actorKind: actor.kind,
  actorId: actor.token?.clientId ?? actor.id,
  outcome,
  origin,
  metadata: told(actor, what.metadata),
});

export const succeeded = (act: Act, what: What): AuditEntry => toEntry('success', act, what);

/** What was refused: its actor is who the caller said to be. */
export const failed = (act: Act, what: What): AuditEntry => toEntry('failure', act, what);

/** The columns of `audit_events`, as JSON: a timestamp is ISO 8601 in UTC, bytes are `\x` and hex. */
export interface ChainedEntry {
  tenant_id: string;
  sequence: number;
  event_id: string;
  occurred_at: string;
  actor_kind: string;
  actor_id: string;
  agent_id: string | null;
  action: AuditAction;
  outcome: AuditEntry['outcome'];
  ip: string | null;
  user_agent: string | null;
  request_id: string;
  metadata: Record<string, unknown>;
  previous_hash: string;
  hash: string;
}
