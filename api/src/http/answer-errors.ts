import type Koa from 'koa';
import { databaseProblem } from './database-problems.ts';
import { Problem, problemKinds, type ProblemCode } from '../platform/problem.ts';
import { OAuthError, toErrorDescription, type OAuthErrorCode } from '../platform/oauth-error.ts';
import { challenge, quoted } from './challenge.ts';
import { hasScopes, type Route } from './route.ts';

/** The response to an unknown failure contains only the request id. */
const toProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : (databaseProblem(error) ??
      new Problem('internal_error', 'Please try again. If it happens again, contact us with the requestId.', {
        cause: error,
      }));

const problemBody = ({ code, detail, members }: Problem, docsUrl: string, requestId: string) => ({
  type: `${docsUrl}/docs/errors/${code}`,
  title: problemKinds[code].title,
  status: problemKinds[code].status,
  detail,
  ...members,
  code,
  requestId,
});

const oauthCodes: Partial<Record<ProblemCode, OAuthErrorCode>> = {
  unauthorized: 'invalid_token',
  forbidden: 'insufficient_scope',
  rate_limited: 'rate_limited',
  service_unavailable: 'temporarily_unavailable',
  internal_error: 'server_error',
};

const sendOAuthError = (
  ctx: Koa.Context,
  code: OAuthErrorCode,
  description: string,
  status: number,
  members: Record<string, unknown> = {},
): void => {
  ctx.status = status;
  if (code === 'invalid_client') ctx.set('WWW-Authenticate', challenge('Basic', { charset: 'UTF-8' }));
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { ...members, error: code, error_description: toErrorDescription(description) };
};

const sendProblem = (ctx: Koa.Context, problem: Problem, docsUrl: string, requestId: string): void => {
  ctx.status = problem.status;
  ctx.body = JSON.stringify(problemBody(problem, docsUrl, requestId));
  ctx.type = 'application/problem+json';
};

/**
 * Adds parameters to an existing challenge: `resource_metadata` (RFC 9728 section 5.1) and, for Bearer, the scopes that
 * the route needs (RFC 6750 section 3).
 */
const completeChallenge = (ctx: Koa.Context, publicUrl: string): void => {
  const begun = ctx.res.getHeader('WWW-Authenticate');
  if (typeof begun !== 'string') return;
  const { route } = ctx.state as { route?: Route };
  const needed = (route && hasScopes(route) ? route.access : route?.bearerScopes) ?? [];
  const namesScopes = begun.startsWith('Bearer ') && !begun.includes(' scope=') && needed.length > 0;
  const metadata = `${publicUrl}/.well-known/oauth-protected-resource`;
  const more = [
    ...(namesScopes ? [`scope=${quoted(needed.join(' '))}`] : []),
    `resource_metadata=${quoted(metadata)}`,
  ];
  ctx.set('WWW-Authenticate', [begun, ...more].join(', '));
};

/** `not_implemented` is an error of the client: its message has a coding that no server of ours supports. */
const isOurs = ({ status, code }: Problem): boolean => status >= 500 && code !== 'not_implemented';

const render = (
  ctx: Koa.Context,
  error: unknown,
  { docsUrl, requestId, oauth }: { docsUrl: string; requestId: string; oauth: boolean },
): unknown => {
  if (error instanceof OAuthError) {
    sendOAuthError(ctx, error.code, error.description, error.code === 'invalid_client' ? 401 : 400);
    return undefined;
  }
  const problem = toProblem(error);
  ctx.set(problem.headers);
  if (oauth) {
    const { code, detail, status, members } = problem;
    sendOAuthError(ctx, oauthCodes[code] ?? 'invalid_request', detail, status, status === 429 ? members : {});
  } else {
    sendProblem(ctx, problem, docsUrl, requestId);
  }
  return isOurs(problem) ? (problem.cause ?? problem) : undefined;
};

/**
 * Turns every failure into a response: RFC 9457, or RFC 6749 section 5.2 on the OAuth endpoints. Returns what to log:
 * the cause of a failure of ours.
 */
export const answerError = (
  ctx: Koa.Context,
  error: unknown,
  { publicUrl, ...how }: { publicUrl: string; docsUrl: string; requestId: string; oauth: boolean },
): unknown => {
  const cause = render(ctx, error, how);
  completeChallenge(ctx, publicUrl);
  return cause;
};
