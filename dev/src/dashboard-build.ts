import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { contentHash } from './content-hash.ts';
import { withLock } from './lock.mjs';

/** All inputs of the build. */
const SOURCES = [
  'dashboard/{src,static}/**',
  'dashboard/{package.json,tsconfig.json,*.config.*}',
  'sdk/src/**',
  'sdk/package.json',
  'package-lock.json',
];

/** Builds the dashboard if its sources have changed. Returns whether it did. */
export const buildDashboard = async (
  { root, cacheDir }: Config,
  children: Children,
  say: (text: string) => void,
): Promise<boolean> =>
  withLock(join(cacheDir, 'dashboard.lock'), async () => {
    const stamp = join(cacheDir, 'dashboard.hash');
    const hash = contentHash(root, SOURCES);
    const built = join(root, 'dashboard/build/index.js');
    if (existsSync(built) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return false;
    say('building');
    await children.run({
      name: 'dashboard-build',
      argv: ['npm', 'run', 'build', '-w', 'dashboard'],
      env: { NODE_ENV: 'production' },
    });
    mkdirSync(cacheDir, { recursive: true });
    writeFileSync(stamp, hash);
    return true;
  });
