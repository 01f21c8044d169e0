/**
 * Most codes are from RFC 6749 sections 4.1.2.1 and 5.2. `invalid_target` is from RFC 8707 section 2,
 * `unsupported_token_type` from RFC 7009 section 2.2.1, and `invalid_token` and `insufficient_scope` from RFC 6750
 * section 3.1. `rate_limited` is our own.
 */
export const oauthErrorCodes = [
  'invalid_request',
  'invalid_client',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'rate_limited',
  'temporarily_unavailable',
  'server_error',
  'access_denied',
  'unsupported_response_type',
  'unsupported_token_type',
  'invalid_token',
  'insufficient_scope',
] as const;

export type OAuthErrorCode = (typeof oauthErrorCodes)[number];

const PLAIN: Readonly<Record<string, string>> = {
  '’': "'",
  '‘': "'",
  '“': "'",
  '”': "'",
  '"': "'",
  '…': '...',
};

/** RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E. Every `error_description` goes through this. */
export const toErrorDescription = (text: string): string =>
  text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, (character) => PLAIN[character] ?? '?');

/** An error of an OAuth endpoint. `description` is for the client's developer. */
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
