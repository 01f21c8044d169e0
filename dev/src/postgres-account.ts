import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The user and folders of Postgres, which refuses to run as root. */
export interface Account {
  /** Goes before the program in the command line. */
  prefix: string[];
  ids?: { uid: number; gid: number };
  /** The data folder. The account owns it. */
  folder: string;
  /** The folder of the server's binaries. */
  native: string;
}

/**
 * A user namespace. Postgres sees a normal user, but file access is still root's, even in folders that only root can
 * enter.
 */
const NAMESPACE = ['unshare', '-U', '--map-user=65534', '--map-group=65534'];

const succeeds = ([program = '', ...args]: string[]): boolean => spawnSync(program, args).status === 0;

const idOf = (kind: '-u' | '-g'): number =>
  Number(execFileSync('id', [kind, 'postgres'], { encoding: 'utf8' }));

const ensureUser = (): { uid: number; gid: number } => {
  if (!succeeds(['id', 'postgres'])) {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
  }
  return { uid: idOf('-u'), gid: idOf('-g') };
};

/** The folder for the data of this data folder if Postgres runs as another user. */
export const publicFolder = (dataDir: string): string =>
  join('/var/tmp', `sentryagent-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);

/** If namespaces are disabled: a user `postgres`, with a folder that it can enter and a copy of the binaries. */
const userAccount = (dataDir: string, native: string): Account => {
  const ids = ensureUser();
  const home = publicFolder(dataDir);
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const stat = lstatSync(home);
  if (!stat.isDirectory() || stat.uid !== 0)
    throw new Error(`${home} does not belong to SentryAgent. Remove it and try again.`);
  const [copy, folder] = [join(home, 'native'), join(home, 'data')];
  if (!existsSync(copy)) {
    rmSync(`${copy}.new`, { recursive: true, force: true });
    cpSync(native, `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${copy}.new`, copy);
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chownSync(folder, ids.uid, ids.gid);
  return { prefix: [], ids, folder, native: copy };
};

export const postgresAccount = (dataDir: string, native: string): Account => {
  if (process.getuid?.() !== 0) return { prefix: [], folder: dataDir, native };
  if (succeeds([...NAMESPACE, 'true'])) return { prefix: NAMESPACE, folder: dataDir, native };
  return userAccount(dataDir, native);
};
