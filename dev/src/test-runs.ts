import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endLauncher, endLeftovers, runningLauncher } from './pid-file.ts';
import { publicFolder } from './postgres-account.ts';

/** This run's folder: no other run has the process id. */
export const folderOfRun = (cacheDir: string): string => join(cacheDir, `test-${process.pid}`);

const end = async (dataDir: string): Promise<void> => {
  await endLauncher(dataDir);
  await endLeftovers(dataDir);
  rmSync(publicFolder(dataDir), { recursive: true, force: true });
};

/** Ends whatever a run left behind, its tests first and then what these had started, and deletes its folder. */
export const removeRun = async (folder: string): Promise<void> => {
  await end(folder);
  for (const name of readdirSync(folder)) {
    if (existsSync(join(folder, name, 'pids.json'))) await end(join(folder, name));
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
};

/** Removes the folders of runs that were killed. */
export const removeDeadRuns = async (cacheDir: string): Promise<void> => {
  mkdirSync(cacheDir, { recursive: true });
  const folders = readdirSync(cacheDir).filter((name) => /^test-\d+$/.test(name));
  for (const name of folders) {
    const folder = join(cacheDir, name);
    if (!runningLauncher(folder)) await removeRun(folder);
  }
};
