import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isComplete, isInstalled, markInstalled, stampOf } from '../src/installed.mjs';
import { nodePackage, runsTypeScript } from '../src/node-version.mjs';
import { createDataDir } from './support/launcher.ts';

describe('Node', () => {
  it.each([
    ['20.20.2', false],
    ['22.17.9', false],
    ['22.18.0', true],
    ['23.5.0', false],
    ['23.6.0', true],
    ['24.0.0', true],
    ['26.1.0', true],
  ])('%s runs TypeScript: %s', (version, expected) => {
    expect(runsTypeScript(version)).toBe(expected);
  });

  it('comes from a package that itself runs TypeScript', () => {
    for (const platform of ['linux', 'darwin']) {
      for (const arch of ['x64', 'arm64']) {
        expect(runsTypeScript(nodePackage(platform, arch)!.version)).toBe(true);
      }
    }
    expect(nodePackage('sunos', 'sparc')).toBeUndefined();
  });
});

describe('installed packages', () => {
  const lockfile = (packages: object): string => JSON.stringify({ packages: { '': {}, ...packages } });
  const wanted = lockfile({
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/mac-only': { version: '1.0.0', integrity: 'y', optional: true },
  });

  it.each([
    ['all there', { 'node_modules/a': { version: '1.0.0', integrity: 'x' } }, true],
    ['another version', { 'node_modules/a': { version: '1.0.1', integrity: 'z' } }, false],
    ['missing', {}, false],
  ])('%s', (_, packages, expected) => {
    expect(isComplete(wanted, lockfile(packages))).toBe(expected);
  });

  it('are those of one lockfile and one platform', () => {
    expect(stampOf('a', 'linux-x64')).not.toBe(stampOf('b', 'linux-x64'));
    expect(stampOf('a', 'linux-x64')).not.toBe(stampOf('a', 'linux-arm64'));
  });

  it('are asked for again when the lockfile, the record or the platform changes', () => {
    const root = createDataDir();
    const put = (path: string, text: string): void => writeFileSync(join(root, path), text);
    mkdirSync(join(root, 'node_modules'));
    put('package-lock.json', wanted);
    expect(isInstalled(root)).toBe(false);
    markInstalled(root);
    expect(isInstalled(root)).toBe(false);
    put('node_modules/.package-lock.json', lockfile({}));
    expect(isInstalled(root)).toBe(true);
    put('package-lock.json', lockfile({ 'node_modules/b': { version: '2.0.0' } }));
    expect(isInstalled(root)).toBe(false);
    put('node_modules/.package-lock.json', lockfile({ 'node_modules/b': { version: '2.0.0' } }));
    expect(isInstalled(root)).toBe(true);
    put('node_modules/.sentryagent-lock', stampOf('whatever', 'plan9-mips'));
    expect(isInstalled(root)).toBe(false);
  });
});
