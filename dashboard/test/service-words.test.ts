import type { DetailedHealth, ProbedService } from '@sentryagent/sdk';
import { expect, it } from 'vitest';
import { statusRows, statusSummary } from '../src/lib/status/service-words.ts';

const services = (
  changes: Partial<Record<keyof DetailedHealth['services'], ProbedService['status']>> = {},
) => {
  const one = (status: ProbedService['status'] = 'healthy') => ({ status, latencyMs: 3 });
  const { database, redis, temporal, stripe } = changes;
  return { database: one(database), redis: one(redis), temporal: one(temporal), stripe: one(stripe) };
};

it.each<[Parameters<typeof services>[0] | null, string]>([
  [{}, 'All services work.'],
  [{ redis: 'disabled', stripe: 'disabled' }, 'All services work.'],
  [{ stripe: 'degraded' }, 'Degraded: Stripe.'],
  [{ stripe: 'degraded', temporal: 'degraded' }, 'Degraded: Temporal and workers, Stripe.'],
  [{ stripe: 'degraded', database: 'unreachable' }, 'Unreachable: Database.'],
  [null, 'Unreachable: API.'],
])('the summary of %j is: %s', (changes, summary) => {
  expect(statusSummary(statusRows(changes ? services(changes) : undefined))).toBe(summary);
});

it('without the API nothing is known of the others', () => {
  expect(statusRows(undefined).map(({ name, probed }) => [name, probed])).toEqual([
    ['API', { status: 'unreachable', latencyMs: null }],
  ]);
  expect(statusRows(services()).map(({ name, probed }) => [name, probed.status])).toEqual([
    ['API', 'healthy'],
    ['Database', 'healthy'],
    ['Redis', 'healthy'],
    ['Temporal and workers', 'healthy'],
    ['Stripe', 'healthy'],
  ]);
});
