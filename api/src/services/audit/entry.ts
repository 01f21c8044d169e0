import { newId } from '../../platform/ids.ts';
import type { Origin, PresentedToken, Principal } from '../../platform/principal.ts';

/** Every action in the audit log. */
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
  | 'subscription.updated'
  | 'subscription.cancellation_requested'
  | 'subscription.resumed'
  | 'subscription.grace_extended'
  | 'invoice.refunded'
  | 'invoice.disputed'
  | 'tenant.updated';

/** No address if one of our workflows acted. */
export type AuditOrigin = Omit<Origin, 'ip'> & { ip: string | null };

/** An entry before it has its number and hash. */
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

/** The actor, the token, the origin and the time. */
export interface Act {
  actor: { tenantId: string; kind: AuditEntry['actorKind']; id: string; token?: PresentedToken };
  origin: AuditOrigin;
  at: Date;
}

/** An act that no request of ours caused, so it has no address. */
export const backgroundAct = (actor: Act['actor'], requestId: string, at: Date): Act => ({
  actor,
  origin: { requestId, ip: null, userAgent: null },
  at,
});

/** Set the id if it is used elsewhere too, such as in a token's `jti`. */
type What = Pick<AuditEntry, 'action' | 'agentId' | 'metadata'> & { eventId?: string };

/** Adds the token to the metadata: the client acted for the subject, through the actors between them. */
const withToken = ({ id, token }: Act['actor'], metadata: AuditEntry['metadata']): AuditEntry['metadata'] => {
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
  metadata: withToken(actor, what.metadata),
});

export const succeeded = (act: Act, what: What): AuditEntry => toEntry('success', act, what);

/** A refused authentication. The actor is the unverified client id. */
export const failed = (act: Act, what: What): AuditEntry => toEntry('failure', act, what);

/** The columns of `audit_events`, as JSON. Timestamps are ISO 8601 in UTC, and bytes are `\x` and hex. */
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
