import type { Actor, Link } from './claims.ts';

/** The token that a grant allows; it is signed and recorded for every grant alike. */
export interface Decision {
  /** The agent that the token speaks for. */
  subject: string;
  act?: Actor;
  exchangedFrom?: Link[];
  audience: string;
  /** The tenant's resource that its scopes are of; the API has none. */
  resourceId?: string | undefined;
  scope: string;
  ttlSeconds: number;
  /** In seconds since 1970, where the token may not outlive another. */
  notAfter?: number;
  /** Agents besides the client that must be active. */
  agentIds?: readonly string[];
  action: 'token.issued' | 'token.exchanged';
  /** What the audit entry tells of this grant. */
  metadata: Record<string, unknown>;
  /** RFC 8693 section 2.2.1. */
  issuedTokenType?: string;
}
