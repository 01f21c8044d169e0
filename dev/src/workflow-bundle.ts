import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { contentHash } from './content-hash.ts';
import { withLock } from './lock.mjs';

/** All inputs of the bundle. */
const SOURCES = ['workflows/src/**', 'workers/src/build-bundle.ts', 'package-lock.json'];

/** A younger bundle may be in use by another worker or test run. */
const KEPT_MS = 24 * 60 * 60_000;

const removeOld = (cacheDir: string, current: string): void => {
  const names = readdirSync(cacheDir).filter((name) => /^workflow-bundle-.*\.js/.test(name));
  for (const path of names.map((name) => join(cacheDir, name))) {
    if (path !== current && Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path);
  }
};

/** The path of the workflow bundle. Builds it if the sources have changed. */
export const buildWorkflowBundle = async (
  { root, cacheDir }: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string> =>
  withLock(join(cacheDir, 'workflow-bundle.lock'), async () => {
    const bundle = join(cacheDir, `workflow-bundle-${contentHash(root, SOURCES).slice(0, 16)}.js`);
    if (existsSync(bundle)) return bundle;
    say('bundling the workflows');
    const argv = [process.execPath, 'workers/src/build-bundle.ts', bundle];
    await children.run({ name: 'workflow-bundle', argv });
    removeOld(cacheDir, bundle);
    return bundle;
  });
