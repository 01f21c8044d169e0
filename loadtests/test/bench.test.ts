import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { processesOf } from '../../dev/test/support/launcher.ts';

const root = new URL('../../', import.meta.url).pathname;

interface Ended {
  pid: number;
  code: number | null;
  out: string;
  err: string;
}

/** Runs the bench as a person does, without what this test run has set for itself. */
const bench = (args: string[]): Promise<Ended> => {
  const own = /^(NODE_ENV|VITEST.*|TEST_.*|SENTRYAGENT_DATA_DIR)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  const child = spawn(process.execPath, ['loadtests/bench/main.ts', ...args], { cwd: root, env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += String(data)));
  child.stderr.on('data', (data) => (err += String(data)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ pid: child.pid!, code, out, err })));
};

describe('npm run bench', () => {
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

  it.each([
    ['no bench', [], 'Name one bench.'],
    ['an unknown bench', ['tokens'], 'There is no bench "tokens".'],
    ['an unknown flag', ['token', '--fast'], '--fast'],
    ['no number', ['token', '--rounds', 'many'], 'many is not a number above 0'],
  ])('says what it takes when given %s', async (_what, args, words) => {
    const { code, err } = await bench(args);
    expect(code).toBe(2);
    expect(err).toContain(words);
    expect(err).toContain('Usage: npm run bench');
  });
});
