import type { OAuthError, Problem } from './generated/types.gen.ts';

/** What the API answered when it was no success: RFC 9457, or RFC 6749 from the token endpoint. */
export type ErrorBody = Partial<Problem> & Partial<OAuthError>;

/** A call that did not succeed. Decide on `code`; show `detail`. */
export class ApiError extends Error {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Stable: the problem's `code`, the OAuth `error`, or `network_error`. */
  readonly code: string;
  /** A sentence for a person. */
  readonly detail: string;
  readonly problem: ErrorBody;
  /** Seconds to wait before another try, where the API says so. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: ErrorBody, retryAfter: number | null = null, cause?: unknown) {
    const code = problem.code ?? problem.error ?? 'unknown_error';
    const detail = problem.detail ?? problem.error_description ?? 'The API gave no reason.';
    super(`${code}: ${detail}`, { cause });
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}
