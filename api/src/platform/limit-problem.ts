import { secondsUntil } from '@sentryagent/workflows/rules/period';
import { Problem, type ProblemCode, type ProblemExtras } from './problem.ts';

export type LimitCode = Extract<
  ProblemCode,
  'rate_limited' | 'daily_limit' | 'agent_limit' | 'free_tier_limit'
>;

export interface ReachedWindow {
  /** The length of the window that the limit counts in. `null`: the limit counts in no window. */
  windowSeconds: number | null;
  /** When waiting has helped. `null`: waiting does not help. */
  resetsAt: Date | null;
  now: Date;
}

/** Every 429 is made here. It tells a machine which window is full, when it resets, and whether waiting helps. */
export const limitProblem = (
  code: LimitCode,
  detail: string,
  { windowSeconds, resetsAt, now }: ReachedWindow,
  { members, headers, ...extras }: ProblemExtras = {},
): Problem =>
  new Problem(code, detail, {
    ...extras,
    members: {
      error: code,
      ...members,
      window: windowSeconds,
      resetsAt: resetsAt?.toISOString() ?? null,
      retryable: resetsAt !== null,
    },
    headers: {
      ...headers,
      ...(resetsAt && { 'Retry-After': String(secondsUntil(resetsAt, now)) }),
    },
  });
