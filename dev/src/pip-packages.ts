import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram } from './find-program.ts';
import { withLock } from './lock.mjs';

/** Third-party tools for tests. Every version is pinned. */
export interface PipPackages {
  /** The name of its requirements file, its cache folder and its log. */
  name: string;
  /** The name to print. */
  label: string;
}

/** Schemathesis tests our OpenAPI document, and PyJWT verifies our tokens. */
export const PYTHON_TOOLS: PipPackages = { name: 'python-tools', label: 'Schemathesis and PyJWT' };

/** The folder with the packages: from the cache, or installed by pip into a temporary folder that is then renamed. */
export const fetchPipPackages = async (
  { name, label }: PipPackages,
  { root, cacheDir, searchPath }: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string> => {
  const requirements = `dev/src/${name}.requirements.txt`;
  const hash = createHash('sha256')
    .update(readFileSync(join(root, requirements)))
    .digest('hex');
  const folder = join(cacheDir, `${name}-${hash.slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const python = findProgram(['python3'], searchPath);
  if (!python) throw new Error('The tests need Python 3 with pip. Install both.');
  return withLock(join(cacheDir, `${name}.lock`), async () => {
    if (existsSync(folder)) return folder;
    say(`fetching ${label} by pip`);
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    const quiet = ['--disable-pip-version-check', '--no-warn-script-location'];
    await children.run({
      name,
      argv: [python, '-m', 'pip', 'install', '--no-deps', ...quiet, '--target', fresh, '-r', requirements],
      timeoutMs: 240_000,
    });
    renameSync(fresh, folder);
    return folder;
  });
};
