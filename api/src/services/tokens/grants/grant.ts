import type { Decision } from '../decision.ts';
import type { VerifyAccessToken } from '../access-token.ts';
import type { Client } from '../../clients/client.ts';
import type { FindResource } from '../../resources/find-resource.ts';

/** The parameters of a token request: RFC 6749 section 4.4, RFC 8707, RFC 8693 section 2.1. */
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

/** Decides which token an authenticated client gets. Writes nothing. Throws an OAuthError if it gets none. */
export type Grant = (deps: GrantDeps, client: Client, parameters: TokenParameters) => Promise<Decision>;
