import { expect, it } from 'vitest';
import { countWords, meterOf } from '../src/lib/usage/metrics.ts';
import type { MetricName } from '../src/lib/usage/metrics.ts';
import { metric } from './usage-of.ts';

it.each<[MetricName, number, number | null, string]>([
  ['api_calls', 0, 1_000, '0 API calls of 1,000 today'],
  ['api_calls', 1, 1_000, '1 API call of 1,000 today'],
  ['api_calls', 1_037, 1_000, '1,037 API calls of 1,000 today'],
  ['api_calls', 1_234_567, null, '1,234,567 API calls today'],
  ['active_agents', 1, 10, '1 agent of 10'],
  ['active_agents', 42, null, '42 agents'],
  ['token_issuances', 1, null, '1 token this period'],
  ['token_issuances', 0, null, '0 tokens this period'],
])('%s: %i of %s reads "%s"', (name, count, limit, words) => {
  const { figure, rest } = countWords(name, metric(count, limit));
  expect(`${figure} ${rest}`).toBe(words);
});

it('counts calls by the day and tokens by the period', () => {
  const usage = { today: 2, period: 9, limit: null, resetsAt: null };
  expect(countWords('api_calls', usage).figure).toBe('2');
  expect(countWords('token_issuances', usage).figure).toBe('9');
});

it.each([
  [0, { value: 0, max: 1_000, level: 'calm' }],
  [799, { value: 799, max: 1_000, level: 'calm' }],
  [800, { value: 800, max: 1_000, level: 'high' }],
  [1_000, { value: 1_000, max: 1_000, level: 'full' }],
  [1_037, { value: 1_000, max: 1_000, level: 'full' }],
])('fills the meter for %i of 1,000', (calls, meter) => {
  expect(meterOf('api_calls', metric(calls, 1_000))).toEqual(meter);
});

it('has no meter where nothing is limited', () => {
  expect(meterOf('token_issuances', metric(5))).toBeNull();
});
