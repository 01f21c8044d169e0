import { expect, it } from 'vitest';
import { chartMetrics } from '../src/lib/usage/history.ts';
import { rangeOf, ranges } from '../src/lib/usage/range.ts';
import { metricOf, usageQuery } from '../src/lib/usage/usage-query.ts';

it('leaves out what is default', () => {
  expect(usageQuery({ range: 'period', metric: 'api_calls' })).toBe('');
  expect(usageQuery({ range: '7d', metric: 'token_issuances' })).toBe('?range=7d&metric=tokens');
});

it('reads what it has written', () => {
  for (const range of ranges) {
    for (const metric of chartMetrics) {
      const query = new URLSearchParams(usageQuery({ range, metric }));
      expect([rangeOf(query.get('range')), metricOf(query.get('metric'))]).toEqual([range, metric]);
    }
  }
});

it.each(['', 'api_calls', 'agent', null])('takes ?metric=%s for API calls', (param) => {
  expect(metricOf(param)).toBe('api_calls');
});
