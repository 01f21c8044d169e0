import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { AuditEntry, ChainedEntry } from './entry.ts';

/** The newest link of a tenant's chain: 0 and 32 zero bytes before the first entry. */
export interface Head {
  sequence: number;
  hash: Buffer;
}

/** An entry in its place. */
export interface Link {
  entry: ChainedEntry;
  /** The same as JSON. */
  json: string;
}

const bytes = (buffer: Buffer): string => `\\x${buffer.toString('hex')}`;

/**
 * Chains entries of one tenant after its head: dense numbers, each hash = SHA-256 over the RFC 8785 JSON of the
 * entry's other columns, the previous hash among them.
 */
export const chain = (head: Head, entries: readonly AuditEntry[]): Link[] => {
  let previous = head;
  return entries.map((entry) => {
    const link = {
      tenant_id: entry.tenantId,
      sequence: previous.sequence + 1,
      event_id: entry.eventId,
      occurred_at: entry.occurredAt.toISOString(),
      actor_kind: entry.actorKind,
      actor_id: entry.actorId,
      agent_id: entry.agentId,
      action: entry.action,
      outcome: entry.outcome,
      ip: entry.origin.ip,
      user_agent: entry.origin.userAgent,
      request_id: entry.origin.requestId,
      metadata: entry.metadata,
      previous_hash: bytes(previous.hash),
    };
    const text = canonicalize(link)!;
    const digest = createHash('sha256').update(text).digest();
    previous = { sequence: link.sequence, hash: digest };
    const hash = bytes(digest);
    return { entry: { ...link, hash }, json: `${text.slice(0, -1)},"hash":${JSON.stringify(hash)}}` };
  });
};
