import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scopes } from '../src/platform/principal.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';

const CONFIG = new URL('schemathesis.toml', import.meta.url).pathname;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
];

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
});
afterAll(() => api.close());

/** Runs Schemathesis over the served document; answers its exit code and the end of what it printed. */
const run = async (token: string): Promise<{ code: number | null; printed: string }> => {
  const args = [
    ...[
      '-m',
      'schemathesis.cli',
      '--config-file',
      CONFIG,
      'run',
      `${api.url}/openapi.json`,
      '--url',
      api.url,
    ],
    ...['--mode', 'all', '--phases', 'examples,coverage,fuzzing', '--max-examples', '15', '--seed', '1'],
    ...['--checks', CHECKS.join(','), '--request-timeout', '5', '--no-color'],
    ...['--header', `Authorization: Bearer ${token}`],
  ];
  const child = spawn('python3', args, {
    env: {
      ...bareEnvironment,
      HOME: '/tmp',
      PYTHONPATH: process.env.TEST_PYTHONPATH,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    cwd: '/tmp',
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += String(text)));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, printed };
};

it(
  'a fuzzer that reads our document finds no server error and no answer that it does not declare',
  { timeout: 240_000 },
  async () => {
    const owner = await signUp(api);
    const agent = await registerAgent(api, owner, [...scopes]);
    // Else it would be refused after a thousand calls.
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [owner.tenantId]);
    const { code, printed } = await run(await agent.token());
    expect(printed.split('\n').slice(-60).join('\n')).toMatch(/\d{3,} generated/);
    expect([code, code === 0 ? '' : printed.slice(-6_000)]).toEqual([0, '']);
  },
);
