import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@sentryagent/sdk';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileErrors } from './support/compile.ts';
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
  'docs/operators.md: npm run keys:rotate -- --list              # each key, its stage, since when; and what each encryption key still protects':
    'dev/test/launcher.test.ts runs each line after npm start',
  'docs/operators.md: npm run two-factor:off -- name@example.com':
    'dev/test/launcher.test.ts runs it after npm start',
  "docs/operators.md: node --env-file-if-exists=.data/operator.env --input-type=module -e '":
    'dev/test/launcher.test.ts runs it after npm start',
  'docs/operators.md: temporal workflow update execute -w subscription/ten_… --name resync':
    'workers/test/subscription-updates.test.ts sends each update',
  'docs/operators.md: temporal worker deployment set-current-version --deployment-name workers --build-id 2.0.0':
    'workers/test/versions.test.ts runs it',
  'docs/operators.md: APP_DATABASE_URL=… STRIPE_SECRET_KEY=… TEMPORAL_ADDRESS=… npm run billing:reconcile -- --dry-run':
    'it needs a real account; dev/test/launcher.test.ts runs the command after npm start',
  'docs/going-live.md: STRIPE_SECRET_KEY=sk_test_… PUBLIC_URL=https://api.example.com DASHBOARD_URL=https://app.example.com npm run stripe:setup':
    'it needs a real account; api/test/stripe-setup.test.ts runs the command',
  'docs/going-live.md: psql "$APP_DATABASE_URL" -c "set role sentryagent_app" -c "set app.tenant_id = \'ten_…\'" \\':
    'it needs a customer of a real account',
  'docs/performance.md: npm run bench -- token             # ours beside what it is compared with, in one run':
    'it measures for minutes; loadtests has its tests',
  'docs/performance.md: npm run load-test                    # 30 s for each journey':
    'it takes minutes; loadtests has its tests',
  'docs/testing.md: npm run proof -- e2e/test/real-stripe.proof.test.ts                                    # the stand-in':
    'it takes minutes, and its second line needs a real account',
  'docs/developers.md: { "access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900, "scope": "agents:read" }':
    'an answer',
};

const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  'openspec/README.md',
].filter((name) => name.endsWith('.md'));

/** The pages whose commands are run below. */
const runPages = ['README.md', 'docs/developers.md', 'docs/tokens.md', 'docs/database.md'];

/** The pages whose TypeScript is compiled below. */
const programPages = ['docs/developers.md', 'docs/tokens.md'];

it('Every block of the docs is run, compiled or says why not', () => {
  const blocks = pages.flatMap((page) => blocksOf(page).map((block) => ({ ...block, page })));
  const isChecked = ({ page, language }: (typeof blocks)[number]) =>
    language === 'ts' ? programPages.includes(page) : language === 'sh' && runPages.includes(page);
  const skipped = blocks.filter((block) => !isChecked(block));
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
  const [ofReadme, ofDevelopers, ofTokens] = runPages.slice(0, 3).map(commandsOf);
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

it('The migration command of the docs prepares an empty database', async () => {
  const url = new URL(process.env.TEST_DATABASE_URL!);
  const client = new pg.Client(url.toString());
  await client.connect();
  await client.query('create database docs_migrate');
  try {
    url.pathname = '/docs_migrate';
    const login = new URL(url);
    [login.username, login.password] = ['docs_migrate_login', 'only-for-tests'];
    const [printed] = commandsOf('docs/database.md');
    const command = printed!
      .replace('postgres://owner:…@db/sentryagent', url.toString())
      .replace('postgres://sentryagent_login:…@db/sentryagent', login.toString());
    const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: folder };
    const migrate = async () => (await run('bash', ['-c', command], { cwd: root, env })).stdout;
    expect(await migrate()).toContain('Applied: 0001_people');
    expect(await migrate()).toContain('The database is up to date.');
    const asLogin = new pg.Client(login.toString());
    await asLogin.connect();
    await asLogin.end();
  } finally {
    await client.query('drop database docs_migrate with (force)');
    await client.query('drop role if exists docs_migrate_login');
    await client.end();
  }
});

/** The names that the fragments do not declare. */
const GIVEN = `
  declare global {
    const clientId: string, clientSecret: string, agentId: string, credentialId: string;
    const token: string, etag: string;
    const privateKey: import('node:crypto').KeyObject;
    const api: import('@sentryagent/sdk').Client;
  }
  export {};`;

it('Every TypeScript fragment of the docs compiles', () => {
  const fragments = programPages.flatMap(blocksOf).filter(({ language }) => language === 'ts');
  expect(fragments.length).toBeGreaterThanOrEqual(6);
  expect(compileErrors([GIVEN, ...fragments.map(({ text }) => `${text}export {};`)])).toEqual([]);
});
