import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config, Environment } from './config.ts';
import { findProgram } from './find-program.ts';
import { withLock } from './lock.mjs';

const INSTALL = 'Install it: `apt-get install prometheus` or `brew install prometheus`';

/** Downloads Debian's package and unpacks it. Installing it would start a service. */
const unpack = async (folder: string, children: Children, searchPath: string): Promise<void> => {
  const apt = findProgram(['apt-get'], searchPath);
  if (!apt) return;
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const run = (name: string, argv: string[]) => children.run({ name, argv, cwd: fresh, timeoutMs: 300_000 });
  const download = () => run('prometheus-download', [apt, 'download', 'prometheus']);
  // The list of packages may be missing or old.
  await download().catch(() => run('prometheus-update', [apt, 'update']).then(download));
  const [archive = ''] = readdirSync(fresh).filter((file) => file.endsWith('.deb'));
  await run('prometheus-unpack', ['dpkg', '-x', archive, '.']);
  rmSync(join(fresh, archive));
  renameSync(fresh, folder);
};

/** The programs with which tests check the alert rules. Throws if they are not available. */
export const findPrometheus = async (
  { cacheDir, searchPath }: Config,
  children: Children,
  say: (text: string) => void,
): Promise<Environment> => {
  const folder = join(cacheDir, 'prometheus');
  let reason = '';
  const paths = `${searchPath}:${join(folder, 'usr/bin')}`;
  if (!findProgram(['promtool'], paths)) {
    say('downloading Prometheus');
    await withLock(`${folder}.lock`, async () => {
      if (!existsSync(folder))
        await unpack(folder, children, searchPath).catch((error: Error) => (reason = `${error.message}\n\n`));
    });
  }
  const [prometheus, promtool] = ['prometheus', 'promtool'].map((name) => findProgram([name], paths));
  if (!prometheus || !promtool)
    throw new Error(`${reason}The tests need Prometheus, but it was not found. ${INSTALL}.`);
  return { TEST_PROMETHEUS: prometheus, TEST_PROMTOOL: promtool };
};
