import type { MetricUsage, Usage } from '@sentryagent/sdk';

export const metric = (count: number, limit: number | null = null): MetricUsage => ({
  today: count,
  period: count,
  limit,
  resetsAt: null,
});

/** A free tenant's usage after so many calls today. */
export const freeUsage = (calls: number, changes: Partial<Usage> = {}): Usage => ({
  tier: 'free',
  status: 'active',
  renewsAt: null,
  endsAt: null,
  upgradeUrl: null,
  period: { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' },
  day: '2026-11-23',
  warning: calls >= 800,
  refusedToday: { quota: 0, rate: 0, agent: 0 },
  metrics: { api_calls: metric(calls, 1_000), active_agents: metric(0, 10), token_issuances: metric(0) },
  ...changes,
});
