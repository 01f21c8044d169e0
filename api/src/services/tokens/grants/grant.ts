import type { Actor, Link, VerifyAccessToken } from '../access-token.ts';
import type { Client } from '../../clients/authenticate-client.ts';
import type { FindResource } from '../../resources/find-resource.ts';

/** What a token request may carry besides its client: RFC 6749 section 4.4, RFC 8707, RFC 8693 section 2.1. */
export interface TokenParameters {
  scope?: string | undefined;
  resource?: string | undefined;
  audience?: string | undefined;
  requested_token_type?: string | undefined;
  subject_token?: string | undefined;
  subject_token_type?: string | undefined;
  actor_token?: string | undefined;
  actor_token_type?: string | undefined;
}

export interface GrantDeps {
  verifyIssuedToken: VerifyAccessToken;
  findResource: FindResource;
  config: { PUBLIC_URL: string; TOKEN_TTL_SECONDS: number };
}

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

/** Decides what an authenticated client gets, and changes nothing. OAuthError where it gets nothing. */
export type Grant = (deps: GrantDeps, client: Client, parameters: TokenParameters) => Promise<Decision>;
