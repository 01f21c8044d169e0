import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endLauncher, endLeftovers, runningLauncher } from './pid-file.ts';
import { publicFolder } from './postgres-account.ts';

/** The folder of this run, named by its process id. */
export const folderOfRun = (cacheDir: string): string => join(cacheDir, `test-${process.pid}`);

const end = async (dataDir: string): Promise<void> => {
  await endLauncher(dataDir);
  await endLeftovers(dataDir);
  rmSync(publicFolder(dataDir), { recursive: true, force: true });
};

/** Stops what a run left running, first the tests and then what they started. Deletes its folder. */
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
