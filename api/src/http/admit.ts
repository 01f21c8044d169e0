import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import { hardMaximum } from '@sentryagent/workflows/rules/quota';
import type { Tier } from '@sentryagent/workflows/rules/tiers';
import type { Deps } from '../deps.ts';
import type { Principal } from '../platform/principal.ts';
import { Problem } from '../platform/problem.ts';
import type { Admission, Call } from '../services/usage/admission.ts';
import { freeTierLimit } from '../services/usage/free-tier-limit.ts';
import { waitWords } from './wait-words.ts';

type AdmitDeps = Pick<Deps, 'meter' | 'findTier' | 'config' | 'metrics'>;

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));

/** draft-ietf-httpapi-ratelimit-headers-10. The daily limit is listed only if the call counts against one. */
const limitHeaders = (
  { RATE_LIMIT_WINDOW_MS: windowMs }: Deps['config'],
  { rateMax, metered }: Call,
  { rate, used, now }: Admission,
): Record<string, string> => {
  const policy = [`"window";q=${rateMax};w=${seconds(windowMs)}`];
  const state = [`"window";r=${rate.remaining};t=${seconds(rate.resetMs)}`];
  if (metered && metered.quota !== null) {
    const reset = seconds(nextUtcMidnight(now).getTime() - now.getTime());
    policy.push(`"day";q=${metered.quota};w=${DAY_SECONDS}`);
    state.push(`"day";r=${Math.max(0, metered.quota - used)};t=${reset}`);
  }
  return { 'RateLimit-Policy': policy.join(', '), RateLimit: state.join(', ') };
};

export interface Refusal {
  waitMs: number;
  /** A sentence without the full stop, such as "Too many requests". */
  reason: string;
  /** When to try again. Default: `waitMs` in words. */
  when?: string;
  /** The tenant of an authenticated caller. */
  tenantId?: string;
}

export const rateLimited = (
  { waitMs, reason, when = `in ${waitWords(waitMs)}`, tenantId }: Refusal,
  headers: Record<string, string> = {},
): Problem =>
  new Problem('rate_limited', `${reason}. Try again ${when}.`, {
    members: { error: 'rate_limited' },
    headers: { ...headers, 'Retry-After': String(seconds(waitMs)) },
    tenantId,
  });

/** Returns the headers to send. Throws a 429 with the exceeded limit and the time to wait. */
const admit = async (deps: AdmitDeps, tenantId: string, call: Call): Promise<Record<string, string>> => {
  const admission = await deps.meter.admit(call);
  const headers = limitHeaders(deps.config, call, admission);
  if (admission.outcome === 'rate_limited') {
    throw rateLimited({ waitMs: admission.rate.resetMs, reason: 'Too many requests', tenantId }, headers);
  }
  if (admission.outcome === 'quota_exceeded') {
    const { now } = admission;
    const max = call.metered?.quota ?? 0;
    const reached = {
      limit: 'api_calls' as const,
      max,
      used: admission.used,
      resetsAt: nextUtcMidnight(now),
    };
    const problem = freeTierLimit(deps.config.DASHBOARD_URL, reached, now);
    throw new Problem(problem.code, problem.detail, {
      members: problem.members,
      headers: { ...headers, ...problem.headers },
    });
  }
  if (call.metered) deps.metrics.apiCall(tenantId);
  return headers;
};

const rateOf = ({ config }: AdmitDeps, tier: Tier): number =>
  config.RATE_LIMIT_MAX_REQUESTS * tier.rateMultiplier;

/** Requests of agents are rate limited and counted. Requests of members are only rate limited. */
export const admitPrincipal = async (
  deps: AdmitDeps,
  { kind, id, tenantId }: Principal,
  neverRefused: boolean,
): Promise<Record<string, string>> => {
  const tier = await deps.findTier(tenantId);
  const refuses = deps.config.BILLING_ENABLED && !neverRefused;
  const quota = refuses ? hardMaximum(tier.limits.apiCallsPerDay) : null;
  return admit(deps, tenantId, {
    limitKey: `${kind}:${id}`,
    rateMax: rateOf(deps, tier),
    metered: kind === 'agent' ? { tenantId, quota } : undefined,
  });
};

/** Each OAuth endpoint has its own limit, so that a stolen credential cannot block revocation. */
type ClientWork = 'client' | 'introspection' | 'revocation';

/** Rate limits an OAuth request by client. It is not an API call, so the quota does not apply. */
export const admitClient = async (
  deps: AdmitDeps,
  { tenantId, agentId }: { tenantId: string; agentId: string },
  work: ClientWork = 'client',
): Promise<Record<string, string>> =>
  admit(deps, tenantId, {
    limitKey: `${work}:${agentId}`,
    rateMax: rateOf(deps, await deps.findTier(tenantId)),
  });
