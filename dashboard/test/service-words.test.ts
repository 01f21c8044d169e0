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
  [{}, 'good: All services work.'],
  [{ redis: 'disabled', stripe: 'disabled' }, 'good: All services work.'],
  [{ redis: 'unreachable' }, 'danger: Unreachable: Redis. Tokens and API calls still work.'],
  [
    { stripe: 'degraded', temporal: 'degraded' },
    'warning: Degraded: Temporal and workers, Stripe. Tokens and API calls still work.',
  ],
  [{ database: 'degraded' }, 'warning: Degraded: Database.'],
  [
    { stripe: 'degraded', database: 'unreachable' },
    'danger: Unreachable: Database. Tokens and API calls fail until it is back.',
  ],
  [null, 'danger: Unreachable: API.'],
])('the summary of %j is: %s', (changes, summary) => {
  const { tone, words } = statusSummary(statusRows(changes ? services(changes) : undefined));
  expect(`${tone}: ${words}`).toBe(summary);
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
