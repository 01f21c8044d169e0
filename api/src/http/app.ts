import type { Socket } from 'node:net';
import cors from '@koa/cors';
import Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import Koa from 'koa';
import proxyAddr from 'proxy-addr';
import type { Deps } from '../deps.ts';
import { clientAddress, type Trust } from '../platform/address.ts';
import { newId } from '../platform/ids.ts';
import { Problem, notFound } from '../platform/problem.ts';
import type { Principal } from '../platform/principal.ts';
import type { Member } from '../services/people/find-member.ts';
import { admitPrincipal } from './admit.ts';
import { answerError } from './answer-errors.ts';
import { authenticate, checkOrigin, requireMember, requireScopes } from './authenticate.ts';
import { readBody, readRawBody } from './body.ts';
import { findFault } from './check-message.ts';
import { handleOnce } from './handle-once.ts';
import { measure, tenantOf } from './measure.ts';
import { parsePart } from './parse.ts';
import { requireBilling } from './require-billing.ts';
import type { Answer, Request, Route } from './route.ts';

const asksForItsOwn = ({ ownNeedsNoScope }: Route, ctx: Koa.Context, { id, token }: Principal): boolean =>
  ownNeedsNoScope === true &&
  token?.actors.length === 0 &&
  (ctx.params as Record<string, string>).agentId === id;

interface Caller {
  /** Set if the route needs scopes. */
  principal?: Principal;
  /** Set if the route needs a session. */
  member?: Member;
}

/** Authenticates the caller and applies the limits before the body is read. */
const identify = async (deps: Deps, ctx: Koa.Context, route: Route): Promise<Caller> => {
  const { headers } = ctx.req;
  const sendCookies = (lines: string[]): void => ctx.set('Set-Cookie', lines);
  if (route.fromDashboard) checkOrigin(ctx.method, headers, deps.config.DASHBOARD_URL);
  if (route.access === 'public') return {};
  if (route.access === 'session') return { member: await requireMember(deps, headers, sendCookies) };
  const principal = await authenticate(deps, ctx.method, headers, sendCookies);
  ctx.state.principal = principal;
  ctx.set(await admitPrincipal(deps, principal, route.neverRefused ?? false));
  if (!asksForItsOwn(route, ctx, principal)) requireScopes(principal, route.access);
  return { principal };
};

const readRequest = async (ctx: Koa.Context, route: Route, ip: string): Promise<Request> => ({
  params: parsePart('params', route.params, ctx.params),
  query: parsePart('query', route.query, ctx.query),
  body: route.body && parsePart('body', route.body, await readBody(ctx, route)),
  raw: route.rawBody ? await readRawBody(ctx) : Buffer.alloc(0),
  headers: ctx.req.headers,
  origin: {
    requestId: ctx.state.requestId as string,
    ip,
    userAgent: ctx.get('user-agent').slice(0, 512) || null,
  },
  prefersCsv: route.csv === true && ctx.accepts('application/json', 'text/csv') === 'text/csv',
  setHeaders: (headers) => ctx.set(headers),
});

const send = (ctx: Koa.Context, route: Route, { status, body, json, csv, headers = {} }: Answer): void => {
  const response = route.responses[status];
  if (!response) throw new Error(`${route.operationId} answered ${status}, which it does not declare`);
  ctx.set(headers as Record<string, string>);
  ctx.status = status;
  if (route.csv) ctx.vary('Accept');
  const asItIs = json ?? csv;
  if (asItIs !== undefined) {
    ctx.type = json === undefined ? 'text/csv; charset=utf-8; header=present' : 'json';
    ctx.body = asItIs;
    return;
  }
  // Koa would change the status to 204 if the body is null.
  ctx.body = response.schema ? response.schema.parse(body) : status === 200 ? '' : null;
};

const mount = (deps: Deps, trust: Trust, routes: readonly Route[]): Router => {
  // One URL per resource: /agents/ and /Agents are not /agents.
  const router = new Router({ strict: true, sensitive: true });
  for (const route of routes) {
    router[route.method](route.path, async (ctx) => {
      ctx.state.route = route;
      const { principal, member } = await identify(deps, ctx, route);
      const address = clientAddress(ctx.req.socket.remoteAddress, ctx.get('x-forwarded-for'), trust);
      const request = await readRequest(ctx, route, address);
      requireBilling(route, deps);
      const answer = member
        ? await route.handle(deps, request, member)
        : await handleOnce(deps, route, request, principal);
      send(ctx, route, answer);
    });
  }
  return router;
};

const firstSegment = (path: string): string => path.split('/', 2)[1] ?? '';

/** Node accepts some request targets that are not URLs. Koa throws when it reads their path. */
const readPath = (ctx: Koa.Context): string => {
  try {
    return ctx.path;
  } catch (cause) {
    throw new Problem('invalid_request', 'The URL is not valid. Check its encoding.', { cause });
  }
};

/** Sets the request id, writes one log line per request, counts it and turns errors into responses. */
const frame = ({ config, logger, metrics }: Deps, routes: readonly Route[]): Koa.Middleware => {
  // Only our own fields are logged here. Redacting them would cost 4 % of the event loop.
  const lines = logger.child({}, { redact: [] });
  const refused = new WeakSet<Socket>();
  return async (ctx, next) => {
    // Node still emits requests that arrive on a connection after the request that closes it.
    if (refused.has(ctx.req.socket)) {
      ctx.respond = false;
      return;
    }
    const started = performance.now();
    const requestId = newId('req');
    ctx.state.requestId = requestId;
    ctx.set({ 'X-Request-Id': requestId, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' });
    const fault = findFault(ctx.req);
    if (fault) refused.add(ctx.req.socket);
    let [error, failure]: unknown[] = [];
    let path = '';
    try {
      path = readPath(ctx);
      if (fault) throw fault;
      await next();
    } catch (thrown) {
      error = thrown;
      const oauth = routes.some((route) => route.errors === 'oauth' && route.path === path);
      const { PUBLIC_URL: publicUrl, DASHBOARD_URL: docsUrl } = config;
      failure = answerError(ctx, error, { publicUrl, docsUrl, requestId, oauth });
    }
    const ms = performance.now() - started;
    measure(metrics, ctx, ms, error);
    const { route } = ctx.state as { route?: Route };
    const line = {
      requestId,
      method: ctx.method,
      path: route?.path ?? '(none)',
      status: ctx.status,
      ms: Math.round(ms * 10) / 10,
      tenantId: tenantOf(ctx, error),
      ...(failure === undefined ? {} : { err: failure }),
    };
    if (failure === undefined) lines.info(line, 'request');
    else logger.error(line, 'request failed');
  };
};

/** Throws 405 if the path exists with another method, else 404. */
const refuseUnmatched = ({ matched = [] }: RouterContext): never => {
  if (matched.length === 0) throw notFound();
  const allowed = [...new Set(matched.flatMap(({ methods }) => methods))].sort().join(', ');
  throw new Problem('method_not_allowed', `This path allows: ${allowed}.`, { headers: { Allow: allowed } });
};

/** One router per first path segment, because a router tries its routes one by one. */
const dispatch = (deps: Deps, routes: readonly Route[]): Koa.Middleware => {
  const trusted = proxyAddr.compile(deps.config.TRUSTED_PROXIES);
  const trust: Trust = (address) => trusted(address, 0);
  const bySegment = Map.groupBy(routes, ({ path }) => firstSegment(path));
  const routers = new Map(
    [...bySegment].map(([segment, some]) => [segment, mount(deps, trust, some).routes()]),
  );
  return async (context) => {
    const run = routers.get(firstSegment(context.path));
    if (!run) throw notFound();
    const ctx = context as RouterContext;
    await run(ctx, () => refuseUnmatched(ctx));
  };
};

/** Opens no socket. */
export const createApp = (deps: Deps, routes: readonly Route[]): Koa => {
  const app = new Koa();
  app.silent = true;
  app.use(frame(deps, routes));
  const open = new Set(routes.filter(({ crossOrigin }) => crossOrigin).map(({ path }) => path));
  const allowedOrigin = (ctx: Koa.Context) => (open.has(readPath(ctx)) ? '*' : deps.config.DASHBOARD_URL);
  app.use(cors({ origin: allowedOrigin, credentials: false, keepHeadersOnError: false }));
  app.use(dispatch(deps, routes));
  return app;
};
