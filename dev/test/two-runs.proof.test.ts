import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

/** `npm test` of one file that uses Postgres and Redis, without what this run has set for itself. */
const runTests = async (): Promise<{ code: unknown; lastLine: string | undefined }> => {
  const own = /^(VITEST.*|TEST_.*|TEST|NODE_ENV|SENTRYAGENT_DATA_DIR|CHROMIUM_PATH)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  const child = spawn('npm', ['--silent', 'test', '--', 'api/test/credential-model.test.ts'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { code, lastLine: output.trimEnd().split('\n').at(-1) };
};

it('Two test runs do not collide', async () => {
  const runs = await Promise.all([runTests(), runTests()]);
  const passed = { code: 0, lastLine: expect.stringMatching(/^[1-9]\d* passed, 0 failed$/) as string };
  expect(runs).toEqual([passed, passed]);
});
