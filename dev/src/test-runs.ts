import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endLauncher, endLeftovers, runningLauncher } from './pid-file.ts';
import { publicFolder } from './postgres-account.ts';

/** This run's folder: no other run has the process id. */
export const folderOfRun = (cacheDir: string): string => join(cacheDir, `test-${process.pid}`);

/** The folder itself, and those in which its tests started launchers. */
const dataDirs = (folder: string): string[] =>
  [folder, ...readdirSync(folder).map((name) => join(folder, name))].filter((path) =>
    existsSync(join(path, 'pids.json')),
  );

/** Ends whatever a run left behind, and deletes its folder. */
export const removeRun = async (folder: string): Promise<void> => {
  for (const dataDir of dataDirs(folder)) {
    await endLauncher(dataDir);
    await endLeftovers(dataDir);
    rmSync(publicFolder(dataDir), { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
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
