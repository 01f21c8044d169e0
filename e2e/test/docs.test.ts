import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@sentryagent/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signUpByHttp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

const run = promisify(execFile);
/** Those that the docs tell a reader to choose. */
const scopes = ['agents:read' as const, 'agents:write' as const];

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

interface Block {
  /** The page and the block's first line. */
  name: string;
  language: string;
  text: string;
}

const root = join(import.meta.dirname, '../..');

/** The blocks of a page, in its order. */
const blocksOf = (page: string): Block[] => {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms)].map(([, indent, language, indented]) => {
    const block = indented!.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    return { name: `${page}: ${block.split('\n')[0]!.trim()}`, language: language!, text: block };
  });
};

/** What a reader types of a page. */
const commandsOf = (page: string): string[] =>
  blocksOf(page)
    .filter(({ name, language }) => language === 'sh' && !(name in notRun))
    .map(({ text }) => text);

/** The blocks that this file does not run, each with the reason. */
const notRun: Readonly<Record<string, string>> = {
  'README.md: npm start    # starts everything, then prints the URLs and a demo sign-in':
    'dev/test/launcher.test.ts runs npm start; npm test runs this file',
  'CONTRIBUTING.md: npm start          # run everything on your machine':
    'tests run under these; the others run for minutes or rewrite files. The next test holds their names',
  'ARCHITECTURE.md: migrations (SQL)                         openspec, docs (prose)': 'a drawing',
  'openspec/README.md: specs/<capability>/spec.md       what holds: identity, audit log, tenancy, operations':
    'a list of files',
  "openspec/README.md: it('A Bearer request adds one API call', async () => { … });": 'the shape of a test',
  'docs/database.md: DATABASE_URL=postgres://owner:…@db/sentryagent \\': 'the URLs are the reader’s own',
  'docs/operators.md: npm run keys:rotate -- --list              # each key, its stage, since when; and what each encryption key still protects':
    'dev/test/launcher.test.ts runs each line after npm start',
  'docs/performance.md: npm run bench -- token             # ours beside what it is compared with, in one run':
    'it measures for minutes; loadtests has its tests',
  'docs/developers.md: { "access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900, "scope": "agents:read" }':
    'an answer',
  "docs/developers.md: import { createClient } from '@sentryagent/sdk';": 'a part of a program',
  "docs/developers.md: import { createRemoteJWKSet, jwtVerify } from 'jose';": 'a part of a program',
  "docs/developers.md: await api.agents.update(agentId, { version: '1.1.0' }, { ifMatch: etag });":
    'a part of a program',
  'docs/developers.md: const { clientSecret } = await api.credentials.rotate(agentId, credentialId, { overlapSeconds: 3600 });':
    'a part of a program',
  "docs/tokens.md: import { SignJWT } from 'jose';": 'a part of a program',
  'docs/tokens.md: await api.agents.update(agentId, {': 'a part of a program',
};

const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  'openspec/README.md',
].filter((name) => name.endsWith('.md'));

/** The pages whose commands are run below. */
const runPages = ['README.md', 'docs/developers.md', 'docs/tokens.md'];

it('Every block of the docs is run or says why not', () => {
  const blocks = pages.flatMap((page) => blocksOf(page).map((block) => ({ ...block, page })));
  const skipped = blocks.filter(({ page, language }) => language !== 'sh' || !runPages.includes(page));
  const named = blocks.filter(({ name }) => name in notRun).map(({ name }) => name);
  expect(skipped.filter(({ name }) => !(name in notRun)).map(({ name }) => name)).toEqual([]);
  expect(new Set(named)).toEqual(new Set(Object.keys(notRun)));
});

it('Every npm script that the docs name is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const texts = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n');
  const names = [...texts.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[\w:-]+)/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(20);
  expect([...new Set(names)].filter((name) => !(name in scripts))).toEqual([]);
});

it('Every command of the docs for developers runs as printed', async () => {
  const [ofReadme, ofDevelopers, ofTokens] = runPages.map(commandsOf);
  // A revoked token is of no more use: a reader begins the next page with a new one.
  const fresh = ofDevelopers!.slice(0, 3);
  const printed = [...ofDevelopers!, ...fresh, ...ofReadme!, ...ofTokens!];
  expect(ofReadme).toHaveLength(1);
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
