import { describe, expect, it } from 'vitest';
import { JOURNEYS, type Journey } from '../k6/plan.ts';
import { findMissed, report, type Summary } from '../k6/verdict.ts';
import { expectNothingLeft } from './support/nothing-left.ts';
import { loadTest } from './support/run-programs.ts';

const journeyOf = (name: Journey['name']): Journey => JOURNEYS.find((journey) => journey.name === name)!;

const summaryOf = (p95: number, failed = 0, served?: number): Summary => ({
  metrics: {
    iterations: { values: { count: 1_500, rate: 99.6 } },
    http_req_duration: { values: { med: 12.4, 'p(95)': p95 } },
    failed: { values: { rate: failed } },
    ...(served === undefined ? {} : { served: { values: { count: served } } }),
  },
});

describe('Load tests judge', () => {
  it.each([
    ['register', 499.9, []],
    ['register', 500, ['p95 is 500 ms, the limit is 500 ms']],
    ['rotate', 500, ['p95 is 500 ms, the limit is 500 ms']],
    ['issue', 999.9, []],
    ['issue', 1_000, ['p95 is 1,000 ms, the limit is 1,000 ms']],
  ] as const)('the p95 of %s: %d ms', (name, p95, missed) => {
    const result = { journey: journeyOf(name), summary: summaryOf(p95) };
    expect(findMissed(result, true)).toEqual(missed);
    expect(findMissed(result, false)).toEqual([]);
  });

  it.each([
    [0.0049, []],
    [0.005, ['0.50 % errors, the limit is 0.50 %']],
  ])('a share of errors of %d', (failed, missed) => {
    const result = { journey: journeyOf('issue'), summary: summaryOf(1, failed) };
    expect(findMissed(result, false)).toEqual(missed);
  });

  it.each([
    [1_000, []],
    [999, ['999 calls were served instead of 1,000']],
    [1_001, ['1,001 calls were served instead of 1,000']],
    [undefined, ['0 calls were served instead of 1,000']],
  ])('the edge of the quota: %s calls were served', (served, missed) => {
    const result = { journey: journeyOf('edge'), summary: summaryOf(9_999, 0, served) };
    expect(findMissed(result, true)).toEqual(missed);
  });

  it('by one row for each journey', () => {
    const results = [
      { journey: journeyOf('issue'), summary: summaryOf(1_234) },
      { journey: journeyOf('edge'), summary: summaryOf(20, 0, 1_000) },
    ];
    expect(report(results, true).split('\n')).toEqual([
      '                               VUs   requests   a second        p50        p95     errors',
      '  issue tokens               1,000      1,500        100      12 ms   1,234 ms     0.00 %  MISSED: p95 is 1,234 ms, the limit is 1,000 ms',
      '  the edge of the quota         64      1,500        100      12 ms      20 ms     0.00 %  passed',
      '',
    ]);
  });
});

it.each([
  [['--fast'], '--fast'],
  [['--slow-down', 'much'], '--slow-down much: give milliseconds'],
])('npm run load-test says what it takes when given %j', async (args, words) => {
  const { code, err } = await loadTest(args);
  expect(code).toBe(2);
  expect(err).toContain(words);
  expect(err).toContain('Usage: npm run load-test');
});

it('The load test runs its journeys unattended', { timeout: 300_000 }, async () => {
  const { pid, code, out, err } = await loadTest(['--short', '--errors-only']);
  expect([code, code === 0 ? '' : err + out]).toEqual([0, '']);
  for (const { label, users } of JOURNEYS) {
    expect(out).toMatch(new RegExp(`${label} +${users.toLocaleString('en')} +[\\d,]+ .* passed\n`));
  }
  expect(out).toMatch(/ GiB, Node [\d.]+;/);
  expectNothingLeft(pid);
});
