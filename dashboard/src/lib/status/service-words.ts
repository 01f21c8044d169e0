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

/** What the state of the database means for agents. They need no other service. */
const effects: Readonly<Record<string, string>> = {
  healthy: ' Tokens and API calls still work.',
  unreachable: ' Tokens and API calls fail until it is back.',
};

/** The state of the whole in words, by the services that are worst. */
export const statusSummary = (rows: readonly Row[]): { tone: string; words: string } => {
  const has = (status: ProbedService['status']) => rows.some(({ probed }) => probed.status === status);
  const worst = (['unreachable', 'degraded'] as const).find(has) ?? 'healthy';
  const { name: state, tone } = statusBadges[worst];
  if (worst === 'healthy') return { tone, words: 'All services work.' };
  const named = rows.filter(({ probed }) => probed.status === worst).map(({ name }) => name);
  const database = rows.find(({ name }) => name === names.database)?.probed.status ?? '';
  return { tone, words: `${state}: ${named.join(', ')}.${effects[database] ?? ''}` };
};
