import type { Agent } from '@sentryagent/sdk';

export type AgentStatus = Agent['status'];

export const statusBadges = {
  active: { name: 'Active', tone: 'good' },
  suspended: { name: 'Suspended', tone: 'warning' },
  decommissioned: { name: 'Decommissioned', tone: 'neutral' },
} as const satisfies Record<AgentStatus, { name: string; tone: string }>;
