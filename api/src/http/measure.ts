import type Koa from 'koa';
import type { Metrics } from '../platform/metrics.ts';
import type { Principal } from '../platform/principal.ts';
import { Problem } from '../platform/problem.ts';
import type { Route } from './route.ts';

/** The tenant of a request: of its principal, or of the client whose limit refused it. */
export const tenantOf = (ctx: Koa.Context, error: unknown): string | undefined =>
  (ctx.state.principal as Principal | undefined)?.tenantId ??
  (error instanceof Problem ? error.tenantId : undefined);

/** Counts a request and, if a limit refused it, the refusal. */
export const measure = (metrics: Metrics, ctx: Koa.Context, ms: number, error: unknown): void => {
  const route = ctx.state.route as Route | undefined;
  const path = route?.path ?? 'none';
  metrics.request({ method: route ? ctx.method : 'none', path }, ctx.status, ms);
  // A repetition of an earlier response is no new outcome.
  if (route && !ctx.res.hasHeader('Idempotent-Replayed'))
    metrics.outcome(route.operationId, ctx.status < 400 ? 'success' : 'failure');
  if (!(error instanceof Problem)) return;
  const tenantId = tenantOf(ctx, error);
  if (error.code === 'rate_limited') metrics.rateLimited(path, tenantId);
  if (error.code === 'free_tier_limit' && tenantId) metrics.overQuota(tenantId, String(error.members.limit));
  if (error.code === 'agent_limit' && tenantId) metrics.overQuota(tenantId, 'agent_cap');
};
