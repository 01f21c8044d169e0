import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { publicFolder } from './postgres-account.ts';

/** Deletes everything that earlier starts created in this folder. Refuses a folder that no start has used. */
export const emptyDataDir = (dataDir: string): void => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const names = readdirSync(dataDir).filter((name) => name !== 'pids.json');
  if (names.length > 0 && !existsSync(join(dataDir, 'secrets.env'))) {
    throw new Error(`${dataDir} contains files that SentryAgent did not create. Nothing was deleted.`);
  }
  for (const name of names) rmSync(join(dataDir, name), { recursive: true, force: true });
  rmSync(publicFolder(dataDir), { recursive: true, force: true });
};
