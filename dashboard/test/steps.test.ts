import { expect, it } from 'vitest';
import { stepsDone } from '../src/lib/usage/first-run/steps.ts';
import { metric } from './usage-of.ts';

const used = (agents: number, tokens: number, calls: number) => ({
  metrics: {
    api_calls: { ...metric(0, 1_000), period: calls },
    active_agents: metric(agents, 10),
    token_issuances: { ...metric(0), period: tokens },
  },
});

const quiet = { day: '2026-11-01', api_calls: 0, token_issuances: 0, active_agents: 0 };

it.each([
  ['nothing yet', used(0, 0, 0), [quiet], 0],
  ['an agent', used(1, 0, 0), [quiet], 1],
  ['a token', used(1, 1, 0), [quiet], 2],
  ['a call', used(1, 1, 1), [quiet], 3],
  ['a token of an agent that is gone', used(0, 1, 0), [quiet], 2],
  ['a token before this period', used(1, 0, 0), [{ ...quiet, token_issuances: 1 }], 2],
  ['a call before this period', used(0, 0, 0), [{ ...quiet, api_calls: 1 }], 3],
])('%s', (_case, usage, days, done) => {
  expect(stepsDone(usage, days)).toBe(done);
});

it('counts what is of today, even outside the period', () => {
  const { metrics } = used(1, 0, 0);
  const api_calls = { ...metric(2, 1_000), period: 0 };
  expect(stepsDone({ metrics: { ...metrics, api_calls } }, [])).toBe(3);
});
