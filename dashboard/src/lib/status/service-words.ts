import type { DetailedHealth, ProbedService } from '@sentryagent/sdk';

export const statusBadges = {
  healthy: { name: 'Healthy', tone: 'good' },
  degraded: { name: 'Degraded', tone: 'warning' },
  unreachable: { name: 'Unreachable', tone: 'danger' },
  disabled: { name: 'Not configured', tone: 'neutral' },
} as const satisfies Record<ProbedService['status'], { name: string; tone: string }>;

interface Row {
  name: string;
  probed: ProbedService;
}

const names = {
  database: 'Database',
  redis: 'Redis',
  temporal: 'Temporal and workers',
  stripe: 'Stripe',
} as const satisfies Record<keyof DetailedHealth['services'], string>;

/** The API and the services behind it. `undefined`: the API does not respond, so nothing is known about the others. */
export const statusRows = (services: DetailedHealth['services'] | undefined): Row[] => [
  { name: 'API', probed: { status: services ? 'healthy' : 'unreachable', latencyMs: null } },
  ...(services
    ? Object.entries(names).map(([key, name]) => ({ name, probed: services[key as keyof typeof names] }))
    : []),
];

/** The state of the whole in one sentence. */
export const statusSummary = (rows: readonly Row[]): string => {
  const named = (status: ProbedService['status']): string[] =>
    rows.filter(({ probed }) => probed.status === status).map(({ name }) => name);
  const [down, slow] = [named('unreachable'), named('degraded')];
  if (down.length > 0) return `Unreachable: ${down.join(', ')}.`;
  return slow.length > 0 ? `Degraded: ${slow.join(', ')}.` : 'All services work.';
};
