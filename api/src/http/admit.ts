import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import { hardMaximum } from '@sentryagent/workflows/rules/quota';
import type { Tier } from '@sentryagent/workflows/rules/tiers';
import type { Deps } from '../deps.ts';
import type { Principal } from '../platform/principal.ts';
import { limitProblem } from '../platform/limit-problem.ts';
import { plural } from '../platform/plain-words.ts';
import type { Problem } from '../platform/problem.ts';
import type { Admission, Call } from '../services/usage/admission.ts';
import { freeTierLimit } from '../services/usage/free-tier-limit.ts';
import { waitWords } from './wait-words.ts';

type AdmitDeps = Pick<Deps, 'meter' | 'findTier' | 'callCaps' | 'config' | 'metrics'>;

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));

/** draft-ietf-httpapi-ratelimit-headers-10. Daily limits are listed only if the call counts against them. */
const limitHeaders = (
  { RATE_LIMIT_WINDOW_MS: windowMs }: Deps['config'],
  { rateMax, metered }: Call,
  { rate, used, usedByAgent, now }: Admission,
): Record<string, string> => {
  const policy = [`"window";q=${rateMax};w=${seconds(windowMs)}`];
  const state = [`"window";r=${rate.remaining};t=${seconds(rate.resetMs)}`];
  const daily = (name: string, max: number | null | undefined, count: number): void => {
    if (max === null || max === undefined) return;
    const reset = seconds(nextUtcMidnight(now).getTime() - now.getTime());
    policy.push(`"${name}";q=${max};w=${DAY_SECONDS}`);
    state.push(`"${name}";r=${Math.max(0, max - count)};t=${reset}`);
  };
  daily('day', metered?.quota, used);
  daily('agent', metered?.cap, usedByAgent);
  return { 'RateLimit-Policy': policy.join(', '), RateLimit: state.join(', ') };
};

export interface Refusal {
  waitMs: number;
  windowSeconds: number;
  /** A sentence without the full stop, such as "Too many requests". */
  reason: string;
  /** When to try again. Default: `waitMs` in words. */
  when?: string;
  /** The tenant of an authenticated caller. */
  tenantId?: string;
}

export const rateLimited = (
  { waitMs, windowSeconds, reason, when = `in ${waitWords(waitMs)}`, tenantId }: Refusal,
  headers: Record<string, string> = {},
  now = new Date(),
): Problem =>
  limitProblem(
    'rate_limited',
    `${reason}. Try again ${when}.`,
    { windowSeconds, resetsAt: new Date(now.getTime() + waitMs), now },
    { headers, tenantId },
  );

const agentLimit = (
  { max, used, now }: { max: number; used: number; now: Date },
  headers: Record<string, string>,
): Problem =>
  limitProblem(
    'agent_limit',
    `This agent has used its daily cap of ${plural(max, 'API call')}. Try again after 00:00 UTC, or ask an owner or admin of your tenant to raise the cap.`,
    { windowSeconds: DAY_SECONDS, resetsAt: nextUtcMidnight(now), now },
    { headers, members: { limit: 'api_calls', max, used } },
  );

/** Returns the headers to send. Throws a 429 with the exceeded limit and the time to wait. */
const admit = async (deps: AdmitDeps, tenantId: string, call: Call): Promise<Record<string, string>> => {
  const admission = await deps.meter.admit(call);
  const { now } = admission;
  const headers = limitHeaders(deps.config, call, admission);
  if (admission.outcome === 'rate_limited') {
    const windowSeconds = seconds(deps.config.RATE_LIMIT_WINDOW_MS);
    const refusal = { waitMs: admission.rate.resetMs, windowSeconds, reason: 'Too many requests', tenantId };
    throw rateLimited(refusal, headers, now);
  }
  if (admission.outcome === 'agent_capped') {
    throw agentLimit({ max: call.metered?.cap ?? 0, used: admission.usedByAgent, now }, headers);
  }
  if (admission.outcome === 'quota_exceeded') {
    const { used } = admission;
    const max = call.metered?.quota ?? 0;
    const reached = { limit: 'api_calls', max, used, resetsAt: nextUtcMidnight(now), now } as const;
    throw freeTierLimit(deps.config.DASHBOARD_URL, reached, { headers });
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
  const cap = neverRefused ? undefined : deps.callCaps.get(id);
  return admit(deps, tenantId, {
    limitKey: `${kind}:${id}`,
    rateMax: rateOf(deps, tier),
    metered: kind === 'agent' ? { tenantId, quota, agentId: id, cap } : undefined,
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
