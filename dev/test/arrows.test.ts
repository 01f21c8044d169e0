import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findings, root } from './support/lint.ts';

describe('lint refuses an import against the arrows', () => {
  it.each([
    ['workflows/src/rules/new.ts', 'zod'],
    ['workflows/src/rules/new.ts', 'node:crypto'],
    ['workflows/src/rules/new.ts', '@sentryagent/api/platform/ids'],
    ['workflows/src/rules/new.ts', '../../../api/src/platform/ids.ts'],
    ['migrations/src/new.ts', '@sentryagent/api/platform/ids'],
    ['api/src/platform/new.ts', '../services/agents/get-agent.ts'],
    ['api/src/platform/new.ts', '../config.ts'],
    ['api/src/models/new.ts', '../services/agents/get-agent.ts'],
    ['api/src/services/new.ts', '../http/app.ts'],
    ['api/src/services/new.ts', '../deps.ts'],
    ['api/src/services/agents/new.ts', '../../config.ts'],
    ['api/src/services/agents/new.ts', '../../keys-rotate/config.ts'],
    ['api/src/models/new.ts', '../config.ts'],
    ['api/src/services/new.ts', 'koa'],
    ['api/src/services/audit/new.ts', '../tokens/ledger.ts'],
    ['api/src/services/usage/new.ts', '../agents/get-agent.ts'],
    ['sdk/src/new.ts', 'axios'],
    ['sdk/src/new.ts', '../../api/src/platform/ids.ts'],
    ['dashboard/src/lib/new.ts', '@sentryagent/workflows/rules/tiers'],
    ['dashboard/src/lib/new.ts', '@sentryagent/api/services/agents/get-agent'],
    ['e2e/test/new.ts', '@sentryagent/migrations'],
    ['workers/src/new.ts', '@sentryagent/api/http/app'],
    ['dev/src/new.ts', '../../api/src/http/app.ts'],
    ['cli/src/new.ts', '@sentryagent/api/services/agents/get-agent'],
    ['cli/src/new.ts', '../../api/src/platform/ids.ts'],
    ['actions/issue-token/src/new.ts', '@sentryagent/workflows/rules/tiers'],
    ['actions/issue-token/src/new.ts', '../../../api/src/platform/ids.ts'],
    ['dev/stripe/src/routes/new.ts', '../../../src/ports.ts'],
    ['dev/stripe/src/new.ts', '@sentryagent/sdk'],
    ['loadtests/bench/new.ts', '../../api/src/platform/ids.ts'],
    ['loadtests/bench/new.ts', '@sentryagent/api/platform/ids'],
  ])('%s ← %s', async (file, target) => {
    expect(await findings(file, `import '${target}';\n`)).toContain('no-restricted-imports');
  });

  it.each([
    ['api/src/services/new.ts', "export const late = () => import('../http/app.ts');\n"],
    ['workflows/src/rules/new.ts', "export const late = () => import('node:crypto');\n"],
    ['dashboard/src/lib/new.ts', "export const late = () => import('@sentryagent/workflows/rules/tiers');\n"],
    ['dashboard/src/lib/new.ts', "export type Tier = import('@sentryagent/workflows/rules/tiers').Tier;\n"],
    ['api/src/config.ts', "export const late = () => import('./http/app.ts');\n"],
    ['e2e/test/new.ts', "export const late = () => import('@sentryagent/migrations');\n"],
  ])('that is not at the top of the file: %s ← %s', async (file, code) => {
    expect(await findings(file, code)).toEqual(['no-restricted-syntax']);
  });

  it.each([
    ['workflows/src/rules/new.ts', '@temporalio/workflow'],
    ['workflows/src/rules/new.ts', './tiers.ts'],
    ['api/src/services/new.ts', '../platform/ids.ts'],
    ['api/src/services/audit/new.ts', './chain.ts'],
    ['api/src/services/agents/new.ts', '../audit/append-audit.ts'],
    ['dashboard/src/lib/new.ts', '@sentryagent/sdk'],
    ['cli/src/new.ts', '@sentryagent/sdk'],
    ['dev/stripe/src/routes/new.ts', '../form.ts'],
    ['loadtests/bench/new.ts', '../../dev/src/children.ts'],
  ])('and lets %s ← %s through', async (file, target) => {
    expect(await findings(file, `import '${target}';\n`)).toEqual([]);
  });
});

describe('`npm run check:circles`', () => {
  const folder = mkdtempSync(join(tmpdir(), 'circles-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };

  /** The rules that the files in these folders break, each with a file or folder that breaks it. */
  const check = (...folders: string[]): string[] => {
    write('tsconfig.json', '{}');
    const args = ['--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', ...folders];
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/depcruise'), args, {
      cwd: folder,
      encoding: 'utf8',
    });
    const { summary } = JSON.parse(stdout) as {
      summary: { violations: { from: string; rule: { name: string } }[] };
    };
    return summary.violations.map(({ from, rule }) => `${rule.name}: ${from.replace('api/src/', '')}`);
  };

  /** What `check` finds in an API whose files have these imports. */
  const findCircles = (imports: readonly [string, string][]): string[] => {
    for (const file of new Set(imports.flat())) {
      const targets = imports.filter(([from]) => from === file).map(([, to]) => join(folder, 'api/src', to));
      write(`api/src/${file}`, targets.map((target) => `import type {} from '${target}';\n`).join(''));
    }
    return check('api/src');
  };

  it('refuses circles of files, of folders, and of a folder and its subfolder', () => {
    const found = findCircles([
      ['services/files/a.ts', 'services/files/b.ts'],
      ['services/files/b.ts', 'services/files/a.ts'],
      ['services/left/a.ts', 'services/right/b.ts'],
      ['services/right/c.ts', 'services/left/d.ts'],
      ['services/above/a.ts', 'services/above/sub/b.ts'],
      ['services/above/sub/c.ts', 'services/above/d.ts'],
      ['services/mail/a.ts', 'services/mail/templates/b.ts'],
      ['services/mail/templates/c.ts', 'services/mail/d.ts'],
      ['http/a.ts', 'http/routes/b.ts'],
      ['http/routes/c.ts', 'http/d.ts'],
      ['services/sound/a.ts', 'services/left/a.ts'],
      ['services/sound/sub/b.ts', 'services/sound/a.ts'],
    ]);
    expect(found.sort()).toEqual([
      'no-circle-of-files: services/files/a.ts',
      'no-circle-of-services: services/left',
      'no-circle-of-services: services/right',
      'no-circle-with-a-serving-subfolder: services/mail/templates/c.ts',
      'no-circle-with-a-subfolder: http/a.ts',
      'no-circle-with-a-subfolder: services/above/a.ts',
    ]);
  });

  it('refuses circles through the names of packages, and a name that leads to no file', () => {
    for (const [name, other] of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      const exports = { './part': './src/part.ts' };
      write(`${name}/package.json`, JSON.stringify({ name: `@sentryagent/${name}`, exports }));
      write(`${name}/src/part.ts`, `import type {} from '@sentryagent/${other}/part';\n`);
      mkdirSync(join(folder, 'node_modules/@sentryagent'), { recursive: true });
      symlinkSync(join(folder, name), join(folder, `node_modules/@sentryagent/${name}`));
    }
    write('one/src/lost.ts', "import type {} from '@sentryagent/two/hidden';\n");
    expect(check('one', 'two').sort()).toEqual([
      'no-circle-of-files: one/src/part.ts',
      'no-import-that-leads-nowhere: one/src/lost.ts',
    ]);
  });
});

describe('a package', () => {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');

  it.each(['api', 'migrations', 'sdk'])('%s exports what others import, and nothing else', (folder) => {
    const { name, exports } = JSON.parse(read(`${folder}/package.json`)) as {
      name: string;
      exports: Record<string, string>;
    };
    const files = execFileSync('git', ['ls-files', '*.ts', '*.svelte'], { cwd: root, encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter((file) => !file.startsWith('dev/test/'));
    const imported = files.flatMap((file) =>
      [...read(file).matchAll(/(?:from|import\() ?'(@sentryagent\/[^']+)'/g)].map(([, target]) => target!),
    );
    const wanted = imported
      .filter((target) => target === name || target.startsWith(`${name}/`))
      .map((target) => `.${target.slice(name.length)}`);
    expect(Object.keys(exports).sort()).toEqual([...new Set(wanted)].sort());
  });
});

describe('lint refuses', () => {
  it.each(['api/src/services/new.ts', 'dev/src/new.ts', 'dashboard/src/lib/new.ts', 'sdk/src/new.ts'])(
    'an environment read in %s',
    async (file) => {
      expect(await findings(file, 'export const x = process.env.X;\n')).toEqual(['no-restricted-syntax']);
    },
  );

  it.each([
    ['taken apart', 'export const { env } = process;\n'],
    ['imported', "import { env } from 'node:process';\nexport const x = env;\n"],
  ])('an environment that is %s', async (_how, code) => {
    expect(await findings('api/src/services/new.ts', code)).toEqual(['no-restricted-syntax']);
  });

  it('a function over 60 lines and a file over 300', async () => {
    const long = `export const f = (): void => {\n${'  f();\n'.repeat(60)}};\n`;
    expect(await findings('api/src/services/new.ts', long)).toEqual(['max-lines-per-function']);
    expect(await findings('api/src/services/new.ts', 'export {};\n'.repeat(301))).toContain('max-lines');
  });
});
