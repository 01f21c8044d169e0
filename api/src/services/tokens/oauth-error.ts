/**
 * RFC 6749 section 5.2, `invalid_target` of RFC 8707 section 2, `temporarily_unavailable` and `server_error` of section 4.1.2.1; `unsupported_token_type` of
 * RFC 7009 section 2.2.1; of RFC 6750 section 3.1, where a Bearer token is taken, the last two.
 */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'rate_limited'
  | 'temporarily_unavailable'
  | 'server_error'
  | 'unsupported_token_type'
  | 'invalid_token'
  | 'insufficient_scope';

/** A refusal of an OAuth endpoint; `description` is for the client's developer. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  readonly description: string;

  constructor(code: OAuthErrorCode, description: string) {
    super(description);
    this.name = 'OAuthError';
    this.code = code;
    this.description = description;
  }
}
