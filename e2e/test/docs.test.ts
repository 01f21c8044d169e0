import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@sentryagent/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signUpByHttp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

const run = promisify(execFile);
const scopes = [
  ...(['agents:read', 'agents:write', 'tokens:read', 'audit:read'] as const),
  ...(['billing:read', 'billing:write', 'trust:write'] as const),
];

let stack: Stack;
const folder = mkdtempSync(join(tmpdir(), 'docs-'));
beforeAll(async () => {
  stack = await startStack();
  const { email, password, api } = await signUpByHttp(stack);
  const { agentId } = await api.agents.register({ name: 'demo-agent', scopes });
  const { clientId, clientSecret } = await api.agents.createCredential(agentId);
  mkdirSync(join(folder, '.data'));
  writeFileSync(
    join(folder, '.data/demo.json'),
    JSON.stringify({ email, password, clientId, clientSecret, apiUrl: stack.apiUrl }),
  );
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await stack.close();
});

/** What a reader types of a page, in its order. */
const commandsOf = (page: string): string[] => {
  const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8');
  return [...text.matchAll(/^( *)```sh\n(.*?)^\1```$/gms)].map(([, indent, block]) =>
    block!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
};

it('Every command of the docs for developers runs as printed', async () => {
  const pages = ['developers.md', 'tokens.md'].map(commandsOf);
  // A revoked token is of no more use: a reader begins the next page with a new one.
  const printed = [...pages[0]!, ...pages[0]!.slice(0, 3), ...pages[1]!];
  expect(printed.length).toBeGreaterThan(10);
  // curl counts an answer of the API that refuses as a success, unless it is told not to.
  const script = ['set -euo pipefail', 'curl() { command curl --fail-with-body -S "$@"; }', ...printed].join(
    '\n',
  );
  const here = script
    .replaceAll('http://localhost:3000', stack.apiUrl)
    .replaceAll('http://localhost:3001', stack.dashboardUrl);
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: folder };
  const { stdout } = await run('bash', ['-c', here], { cwd: folder, env });
  expect(stdout).toContain('"active":true');
  expect(stdout).toContain('"scope":"contacts:read"');

  const { clientId, clientSecret } = JSON.parse(readFileSync(join(folder, '.data/demo.json'), 'utf8')) as {
    clientId: string;
    clientSecret: string;
  };
  const { tokens } = createClient({ baseUrl: stack.apiUrl });
  const resource = 'https://crm.example.com';
  expect((await tokens.issue({ clientId, clientSecret, resource })).scope).toBe('contacts:read');
});
