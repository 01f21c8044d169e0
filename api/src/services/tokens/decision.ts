import type { Actor, Link } from './claims.ts';

/** The token that a grant allows. `issueToken` signs and records it. */
export interface Decision {
  /** The agent that the token acts for. */
  subject: string;
  act?: Actor;
  exchangedFrom?: Link[];
  audience: string;
  /** The resource of its scopes. Not set for the API. */
  resourceId?: string | undefined;
  scope: string;
  ttlSeconds: number;
  /** The latest expiry, in seconds since 1970. */
  notAfter?: number;
  /** Agents besides the client that must be active. */
  agentIds?: readonly string[];
  action: 'token.issued' | 'token.exchanged';
  /** Metadata of the audit entry. */
  metadata: Record<string, unknown>;
  /** RFC 8693 section 2.2.1. */
  issuedTokenType?: string;
}
