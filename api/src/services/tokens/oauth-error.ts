/** RFC 6749 section 5.2, `invalid_target` of RFC 8707 section 2, and `temporarily_unavailable` and `server_error` of section 4.1.2.1. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'rate_limited'
  | 'temporarily_unavailable'
  | 'server_error';

/** A refusal of the token endpoint; `description` is for the client's developer. */
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
