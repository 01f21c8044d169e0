import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { TenantDatabase } from '../platform/database.ts';
import type { Origin, Principal, Scope } from '../platform/principal.ts';
import type { ProblemCode } from '../platform/problem.ts';
import type { Member } from '../services/people/find-member.ts';

/** A parsed request, independent of Koa. */
export interface Request<P = unknown, Q = unknown, B = unknown> {
  params: P;
  query: Q;
  body: B;
  /** The bytes of the body if the route sets `rawBody`, else empty. */
  raw: Buffer;
  headers: IncomingHttpHeaders;
  origin: Origin;
  /** The route sets `csv`, and the caller prefers `text/csv`. */
  prefersCsv: boolean;
  /** Sets headers that the response has even if the handler then throws. */
  setHeaders(headers: Record<string, string>): void;
}

export interface Answer {
  status: number;
  /** Parsed by the schema of the status before it is sent, which strips unknown fields. */
  body?: unknown;
  /** JSON to send as it is, instead of `body`. Use it only for our own documents: nothing strips it. */
  json?: string;
  /** CSV to send as it is, instead of `body`. */
  csv?: string;
  headers?: Record<string, string | string[]>;
}

type Fields = z.ZodObject;

/**
 * `enabled`: else 404 `billing_disabled`. `configured`: Stripe and Temporal are set up as well, else 503
 * `service_unavailable`.
 */
export type BillingNeed = 'enabled' | 'configured';

/** What the handler of a route that needs billing to be configured may use. */
export type BillingDeps = Deps & { [Part in 'temporal' | 'stripe']: NonNullable<Deps[Part]> };

interface Shape<P extends Fields, Q extends Fields, B extends Fields> {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** Koa's form: `/agents/:agentId`. */
  path: string;
  operationId: string;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  /** Headers that the handler reads, with descriptions. Used only in the OpenAPI document. */
  requestHeaders?: Readonly<Record<string, string>>;
  /** `form`: `application/x-www-form-urlencoded`; a repeated parameter is an error. Default: `json`. */
  bodyType?: 'json' | 'form';
  /** Passes the bytes of the body (up to 1 MiB) unparsed, because a signature covers them. */
  rawBody?: true;
  /** `null`: an empty body. */
  responses: Record<number, { description: string; schema: z.ZodType | null }>;
  /** The response 200 is also available as `text/csv`. */
  csv?: true;
  /** Besides those that follow from the access and the input. */
  problems?: readonly ProblemCode[];
  /** `oauth`: errors in the form of RFC 6749 section 5.2 instead of RFC 9457. */
  errors?: 'problem' | 'oauth';
  /** What must be configured before the handler runs. */
  billing?: BillingNeed;
  /** CORS allows every origin. Default: only the dashboard. */
  crossOrigin?: true;
}

/**
 * What the handler of a repeatable route may use. Its work joins the transaction of its `Idempotency-Key`, so nothing
 * here reaches the database past that.
 */
export type RepeatableDeps = Pick<Deps, 'clock' | 'config' | 'peppers'> & { db: TenantDatabase };

type Parsed<P extends Fields, Q extends Fields, B extends Fields> = Request<
  z.output<P>,
  z.output<Q>,
  z.output<B>
>;

interface PublicRoute<P extends Fields, Q extends Fields, B extends Fields> extends Shape<P, Q, B> {
  /** Checks the Origin header. Set it on every route that sets or ends a session. */
  fromDashboard?: true;
  /** The scopes that a Bearer token needs, if the handler also accepts one. */
  bearerScopes?: readonly Scope[];
  handle(deps: Deps, request: Parsed<P, Q, B>): Promise<Answer>;
}

interface SessionRoute<P extends Fields, Q extends Fields, B extends Fields> extends Shape<P, Q, B> {
  handle(deps: Deps, request: Parsed<P, Q, B>, member: Member): Promise<Answer>;
}

type Repeatable = 'answer' | 'secret';

type DepsOf<Repeats, Needs> = Repeats extends Repeatable
  ? RepeatableDeps
  : Needs extends 'configured'
    ? BillingDeps
    : Deps;

interface ScopedRoute<
  P extends Fields,
  Q extends Fields,
  B extends Fields,
  Repeats extends Repeatable | undefined,
  Needs extends BillingNeed | undefined,
> extends Shape<P, Q, B> {
  /** The caller, an agent or a member, needs all of these scopes. */
  access: readonly Scope[];
  /** Counted but never rejected for quota: a tenant at its limit must be able to see this and to pay. */
  neverRefused?: boolean;
  /** Accepts an `Idempotency-Key`. `secret`: the response has one. */
  repeatable?: Repeats;
  billing?: Needs & BillingNeed;
  /** An agent needs no scope if `agentId` in the path is its own id. */
  ownNeedsNoScope?: true;
  handle(deps: DepsOf<Repeats, Needs>, request: Parsed<P, Q, B>, principal: Principal): Promise<Answer>;
}

/** A route is a value. The app, the OpenAPI document and the tests read the same one. */
export type Route = Shape<Fields, Fields, Fields> & {
  access: 'public' | 'session' | readonly Scope[];
  fromDashboard?: boolean;
  tag: string;
  bearerScopes?: readonly Scope[];
  neverRefused?: boolean;
  repeatable?: Repeatable;
  ownNeedsNoScope?: true;
  handle(deps: Deps | RepeatableDeps, request: Request, caller?: Principal | Member): Promise<Answer>;
};

/** Whether a caller needs scopes. Every other route is public or for a session. */
export const hasScopes = <R extends Pick<Route, 'access'>>(
  route: R,
): route is R & { access: readonly Scope[] } => typeof route.access !== 'string';

/** What makes the routes of one tag. */
export const routesOf = (tag: string) => ({
  /** A route without authentication. */
  publicRoute: <P extends Fields, Q extends Fields, B extends Fields>(route: PublicRoute<P, Q, B>): Route =>
    ({ ...route, tag, access: 'public' }) as unknown as Route,
  /** A route for signed-in users of any role. If it changes something, the request must come from the dashboard. */
  sessionRoute: <P extends Fields, Q extends Fields, B extends Fields>(route: SessionRoute<P, Q, B>): Route =>
    ({ ...route, tag, access: 'session', fromDashboard: route.method !== 'get' }) as unknown as Route,
  /** A route for agents (Bearer) and members (session) that hold its scopes. */
  scopedRoute: <
    P extends Fields,
    Q extends Fields,
    B extends Fields,
    Repeats extends Repeatable | undefined = undefined,
    Needs extends BillingNeed | undefined = undefined,
  >(
    route: ScopedRoute<P, Q, B, Repeats, Needs>,
  ): Route => ({ ...route, tag }) as unknown as Route,
});
