import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { processesOf } from '../../dev/test/support/launcher.ts';
import { bench, root } from './support/run-bench.ts';

it('The token bench tells its ratios', { timeout: 120_000 }, async () => {
  const { pid, code, out, err } = await bench(['token', '--seconds', '0.4', '--rounds', '1']);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  for (const name of ['SentryAgent', 'bare Koa', 'oidc-provider, in memory', 'oidc-provider, equal work']) {
    expect(out).toMatch(new RegExp(`${name}.* [\\d,]+ +[\\d.]+ ms +[\\d.]+ ms\n`));
  }
  expect(out).toMatch(/[\d.]+ × bare Koa .*at least 0\.5, (met|MISSED)/);
  expect(out).toMatch(/[\d.]+ × oidc-provider, equal work .*at least 1\.5, (met|MISSED)/);
  const folder = `${root}.cache/test-${pid}`;
  expect(existsSync(folder)).toBe(false);
  expect(processesOf(folder)).toEqual([]);
});
