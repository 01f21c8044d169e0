import { expect, it } from 'vitest';
import { expectNothingLeft } from './support/nothing-left.ts';
import { bench, root } from './support/run-programs.ts';

/** A number a second, p50, p99 and the processor time. */
const COLUMNS = '[\\d,]+ +[\\d.]+ ms +[\\d.]+ ms +[\\d,]+ µs\n';

it('The token bench tells its ratios', { timeout: 120_000 }, async () => {
  const { pid, code, out, err } = await bench(['token', '--seconds', '0.4', '--rounds', '1']);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  for (const name of ['SentryAgent', 'bare Koa', 'oidc-provider, in memory', 'oidc-provider, equal work']) {
    expect(out).toMatch(new RegExp(`${name}.* ${COLUMNS}`));
  }
  expect(out).toMatch(/[\d.]+ × bare Koa .*at least 0\.6, (met|MISSED)/);
  expect(out).toMatch(/[\d.]+ × oidc-provider, equal work .*at least 1\.5, (met|MISSED)/);
  expectNothingLeft(pid);
});

it('The billing bench tells its ratios', { timeout: 600_000 }, async () => {
  const args = ['billing', '--seconds', '0.4', '--rounds', '1', '--connections', '4'];
  const { pid, code, out, err } = await bench(args);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  for (const name of [
    'SentryAgent: checkouts started',
    'bare Temporal: update-with-start',
    'SentryAgent: webhook to row',
    'bare Temporal: signal to row',
    'SentryAgent: webhooks taken and signaled',
    'SentryAgent: event at Stripe to tier',
  ]) {
    expect(out).toMatch(new RegExp(`${name} +${COLUMNS}`));
  }
  expect(out).toMatch(/[\d.]+ × bare Temporal: update-with-start .*at least 0\.8, (met|MISSED)/);
  expect(out).toMatch(/[\d.]+ × bare Temporal: signal to row .*at least 0\.8, (met|MISSED)/);
  expect(out).toMatch(/event at Stripe to tier: p99 [\d.]+ ms .*at most 1,000 ms, (met|MISSED)/);
  expectNothingLeft(pid);
});

it('The metering bench tells its ratios', { timeout: 120_000 }, async () => {
  const { pid, code, out, err } = await bench(['metering', '--seconds', '0.4', '--rounds', '1']);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  expect(out).toMatch(new RegExp(`a member reads the agent +${COLUMNS}`));
  for (const [against, atLeast] of [
    ['the same, bare', 0.6],
    ['an agent reads itself', 0.35],
    ['the Lua call of the gate', 0.8],
  ]) {
    expect(out).toMatch(new RegExp(`[\\d.]+ × ${against} .*at least ${atLeast}, (met|MISSED)`));
  }
  expectNothingLeft(pid);
});

it('The bench of pages compares with another checkout', { timeout: 180_000 }, async () => {
  const args = ['pages', '--seconds', '0.4', '--rounds', '1', '--against', root];
  const { pid, code, out, err } = await bench(args);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  expect(out).toMatch(/[\d.]+ × the other checkout .*at least 4, (met|MISSED)/);
  expectNothingLeft(pid);
});
