/** Every error code with its status and title. Clients must use the code, never the text. */
export const problemKinds = {
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  validation_failed: { status: 400, title: 'A field is missing or invalid' },
  invalid_request: { status: 400, title: 'The request is malformed' },
  invalid_link: { status: 400, title: 'The link is not valid' },
  invalid_code: { status: 400, title: 'The code is not valid' },
  sign_in_expired: { status: 400, title: 'The sign-in has expired' },
  invalid_signature: { status: 400, title: 'The signature is not valid' },
  weak_password: { status: 400, title: 'The password is easy to guess' },
  unauthorized: { status: 401, title: 'Sign in or send a valid token' },
  invalid_credentials: { status: 401, title: 'Wrong email or password' },
  forbidden: { status: 403, title: 'Not allowed' },
  origin_not_allowed: { status: 403, title: 'Origin not allowed' },
  email_unverified: { status: 403, title: 'The email address is not confirmed' },
  wrong_password: { status: 403, title: 'The password is wrong' },
  not_found: { status: 404, title: 'Not found' },
  billing_disabled: { status: 404, title: 'Billing is disabled' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  agent_decommissioned: { status: 409, title: 'The agent is decommissioned' },
  agent_name_taken: { status: 409, title: 'An agent with this name already exists' },
  credential_is_key: { status: 409, title: 'The credential is a public key' },
  key_taken: { status: 409, title: 'The agent already has this key' },
  resource_taken: { status: 409, title: 'A resource with this identifier already exists' },
  resource_limit: { status: 409, title: 'Resource limit reached' },
  already_subscribed: { status: 409, title: 'The tenant already has a subscription' },
  not_subscribed: { status: 409, title: 'The tenant has no subscription' },
  payment_processing: { status: 409, title: 'A payment is being settled' },
  credential_ended: { status: 409, title: 'The credential is revoked or expired' },
  credential_limit: { status: 409, title: 'Credential limit reached' },
  email_already_verified: { status: 409, title: 'The email address is already confirmed' },
  email_unchanged: { status: 409, title: 'This is already your email address' },
  email_taken: { status: 409, title: 'An account with this email address already exists' },
  two_factor_on: { status: 409, title: 'Two-factor sign-in is already on' },
  two_factor_off: { status: 409, title: 'Two-factor sign-in is off' },
  idempotent_answer_gone: { status: 409, title: 'The request succeeded, but its response has expired' },
  precondition_failed: { status: 412, title: 'The agent has changed since you read it' },
  content_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  agent_limit: { status: 429, title: 'The agent has reached its daily cap' },
  daily_limit: { status: 429, title: 'Daily limit reached' },
  free_tier_limit: { status: 429, title: 'Free tier limit reached' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  not_implemented: { status: 501, title: 'Not implemented' },
  service_unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemKinds;

export interface ProblemExtras {
  /** Additional top-level members of the response (RFC 9457 section 3.2). */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Logged only. It never leaves the process. */
  cause?: unknown;
  /** The tenant that the error is about, if the request has no principal. Logged and counted only. */
  tenantId?: string | undefined;
}

/** An error response. `detail` is sent to the caller, so it must not contain secrets. `cause` is only logged. */
export class Problem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;
  readonly tenantId: string | undefined;

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    const { members = {}, headers = {}, cause, tenantId } = extras;
    super(detail, { cause });
    this.name = 'Problem';
    this.code = code;
    this.status = problemKinds[code].status;
    this.detail = detail;
    this.members = members;
    this.headers = headers;
    this.tenantId = tenantId;
  }
}

/** Also returned for ids of other tenants, so that a caller cannot tell whether they exist. */
export const notFound = (): Problem =>
  new Problem('not_found', 'Nothing was found at this URL. Check the path and the ids in it.');

export const unavailable = (cause: unknown, retryAfterSeconds = 1): Problem =>
  new Problem('service_unavailable', 'Please try again in a moment.', {
    headers: { 'Retry-After': String(retryAfterSeconds) },
    cause,
  });
