import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { TenantDatabase } from '../platform/database.ts';
import type { Origin, Principal, Scope } from '../platform/principal.ts';
import type { ProblemCode } from '../platform/problem.ts';
import type { Member } from '../services/people/find-member.ts';

/** A request as its handler sees it: parsed, and with nothing of Koa. */
export interface Request<P = unknown, Q = unknown, B = unknown> {
  params: P;
  query: Q;
  body: B;
  /** The body's own bytes, where the route asks for them; else empty. */
  raw: Buffer;
  headers: IncomingHttpHeaders;
  origin: Origin;
}

export interface Answer {
  status: number;
  /** Parsed by the schema of its status before it leaves: what that doesn't name is stripped. */
  body?: unknown;
  /** In place of a body, JSON that was made before: of a document of ours alone, since nothing strips it. */
  json?: string;
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
  tag: string;
  params?: P;
  query?: Q;
  body?: B;
  /** Headers that the handler reads, with what they do: for the document alone. */
  requestHeaders?: Readonly<Record<string, string>>;
  /** `form` is `application/x-www-form-urlencoded`, where a repeated parameter is an error; default `json`. */
  bodyType?: 'json' | 'form';
  /** The body is taken as bytes, up to 1 MiB, and not read: its signature is over them. */
  rawBody?: true;
  /** What can be answered; `null` is an empty body. */
  responses: Record<number, { description: string; schema: z.ZodType | null }>;
  problems: readonly ProblemCode[];
  /** `oauth`: errors in the form of RFC 6749 section 5.2 instead of RFC 9457. */
  errors?: 'problem' | 'oauth';
  /** What must be there before the handler runs. */
  billing?: BillingNeed;
  /** Scripts of any website may read it; else those of the dashboard alone. */
  crossOrigin?: true;
  /** One without scopes that changes or sets a session: it is asked by pages of the dashboard alone. */
  fromDashboard?: true;
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
  access: 'public';
  /** The scopes of a Bearer token, where the handler takes one besides another proof. */
  bearerScopes?: readonly Scope[];
  handle(deps: Deps, request: Parsed<P, Q, B>): Promise<Answer>;
}

interface SessionRoute<P extends Fields, Q extends Fields, B extends Fields> extends Shape<P, Q, B> {
  access: 'session';
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
  /** The scopes that a caller, agent or member, must all hold. */
  access: readonly Scope[];
  /** Counted, but never refused for quota: a tenant at its limit must be able to see that, and to pay. */
  neverRefused?: boolean;
  /** Takes an `Idempotency-Key`; `secret`: its answer holds one. */
  repeatable?: Repeats;
  billing?: Needs & BillingNeed;
  /** An agent needs no scope for what is its own: where `agentId` in the path is its id. */
  ownNeedsNoScope?: true;
  handle(deps: DepsOf<Repeats, Needs>, request: Parsed<P, Q, B>, principal: Principal): Promise<Answer>;
}

/** A route is a value: what mounts it, what documents it and what tests it all read the same one. */
export type Route = Shape<Fields, Fields, Fields> & {
  access: 'public' | 'session' | readonly Scope[];
  bearerScopes?: readonly Scope[];
  neverRefused?: boolean;
  repeatable?: Repeatable;
  ownNeedsNoScope?: true;
  handle(deps: Deps | RepeatableDeps, request: Request, caller?: Principal | Member): Promise<Answer>;
};

/** Whether a caller needs scopes: any other route is public or of a session. */
export const hasScopes = <R extends Pick<Route, 'access'>>(
  route: R,
): route is R & { access: readonly Scope[] } => typeof route.access !== 'string';

/** A route that anyone may call. */
export const publicRoute = <P extends Fields, Q extends Fields, B extends Fields>(
  route: PublicRoute<P, Q, B>,
): Route => route as unknown as Route;

/** A route for people who are signed in, whatever their role. */
export const sessionRoute = <P extends Fields, Q extends Fields, B extends Fields>(
  route: SessionRoute<P, Q, B>,
): Route => route as unknown as Route;

/** A route for agents (Bearer) and members (session) that hold its scopes. */
export const scopedRoute = <
  P extends Fields,
  Q extends Fields,
  B extends Fields,
  Repeats extends Repeatable | undefined = undefined,
  Needs extends BillingNeed | undefined = undefined,
>(
  route: ScopedRoute<P, Q, B, Repeats, Needs>,
): Route => route as unknown as Route;
