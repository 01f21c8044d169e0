import type { DetailedHealth, ProbedService } from '@sentryagent/sdk';

export const statusBadges = {
  healthy: { name: 'Healthy', tone: 'good' },
  degraded: { name: 'Degraded', tone: 'warning' },
  unreachable: { name: 'Unreachable', tone: 'danger' },
  disabled: { name: 'Not configured', tone: 'neutral' },
} as const satisfies Record<ProbedService['status'], { name: string; tone: string }>;

interface Row {
  name: string;
  /** What stops if it is unreachable. */
  use: string;
  probed: ProbedService;
}

const known = [
  ['database', 'Database', 'Everything except this page'],
  ['redis', 'Redis', 'Limits shared by all API processes'],
  ['temporal', 'Temporal and workers', 'Checkouts, subscriptions and scheduled work'],
  ['stripe', 'Stripe', 'Payments and invoices'],
] as const;

/** The API and the services behind it. `undefined`: the API does not respond, so nothing is known about the others. */
export const statusRows = (services: DetailedHealth['services'] | undefined): Row[] => [
  {
    name: 'API',
    use: 'Tokens, agents and the console',
    probed: { status: services ? 'healthy' : 'unreachable', latencyMs: null },
  },
  ...(services ? known.map(([key, name, use]) => ({ name, use, probed: services[key] })) : []),
];

/** The state of the whole in one sentence. */
export const statusSummary = (rows: readonly Row[]): string => {
  const named = (status: ProbedService['status']): string[] =>
    rows.filter(({ probed }) => probed.status === status).map(({ name }) => name);
  const [down, slow] = [named('unreachable'), named('degraded')];
  if (down.length > 0) return `Unreachable: ${down.join(', ')}.`;
  return slow.length > 0 ? `Degraded: ${slow.join(', ')}.` : 'All services work.';
};
