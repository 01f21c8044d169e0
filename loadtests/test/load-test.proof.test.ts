import { expect, it } from 'vitest';
import { loadTest } from './support/run-programs.ts';

it('The load test passes on this machine', { timeout: 600_000 }, async () => {
  const { code, out, err } = await loadTest([]);
  expect([code, code === 0 ? '' : err + out]).toEqual([0, '']);
});

it('A deliberate slowdown fails the load test', { timeout: 300_000 }, async () => {
  const { code, out } = await loadTest(['--short', '--slow-down', '1500']);
  expect(code).toBe(1);
  expect(out).toMatch(/register agents .* MISSED: p95 is [\d,]+ ms, the limit is 500 ms/);
});
