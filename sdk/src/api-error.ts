import type { LimitProblem, OAuthError, Problem } from './generated/types.gen.ts';

/** The body of an error response: RFC 9457, or RFC 6749 from the OAuth endpoints. A 429 has the fields of a limit. */
export type ErrorBody = Partial<Problem> & Partial<OAuthError> & Partial<LimitProblem>;

/** A failed call. Use `code` in your program and show `detail` to users. */
export class ApiError extends Error {
  /** The HTTP status. 0: no response. */
  readonly status: number;
  /** Stable: the `code` of the problem, the OAuth `error`, or `network_error`. */
  readonly code: string;
  /** A sentence for users. */
  readonly detail: string;
  readonly problem: ErrorBody;
  /** Seconds to wait before you try again, if the API returns them. */
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
