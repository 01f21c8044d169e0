import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram } from './find-program.ts';
import { withLock } from './lock.mjs';

/** Strict outsiders, for tests alone: Schemathesis reads our document, PyJWT our tokens. Every version is pinned. */
const REQUIREMENTS = 'dev/src/python-tools.requirements.txt';

/** The folder to name in PYTHONPATH: from the cache, or installed by pip beside its place and moved there whole. */
export const fetchPythonTools = async (
  { root, cacheDir, searchPath }: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string> => {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, REQUIREMENTS)))
    .digest('hex');
  const folder = join(cacheDir, `python-tools-${hash.slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const python = findProgram(['python3'], searchPath);
  if (!python) throw new Error('The tests need Python 3 with pip.');
  return withLock(join(cacheDir, 'python-tools.lock'), async () => {
    if (existsSync(folder)) return folder;
    say('fetching Schemathesis and PyJWT by pip');
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    const quiet = ['--disable-pip-version-check', '--no-warn-script-location'];
    await children.run({
      name: 'python-tools',
      argv: [python, '-m', 'pip', 'install', '--no-deps', ...quiet, '--target', fresh, '-r', REQUIREMENTS],
      timeoutMs: 240_000,
    });
    renameSync(fresh, folder);
    return folder;
  });
};
