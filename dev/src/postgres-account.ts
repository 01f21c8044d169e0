import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Who Postgres runs as, and where: it refuses to run as root. */
export interface Account {
  /** What stands before the program in its command line. */
  prefix: string[];
  ids?: { uid: number; gid: number };
  /** Holds the data; its owner is the account. */
  folder: string;
  /** The folder of the server's own files. */
  native: string;
}

/** To Postgres this is somebody else; to the files it is still root, even under a folder that only root may enter. */
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

/** Where the account of another user keeps what belongs to this data folder. */
export const publicFolder = (dataDir: string): string =>
  join('/var/tmp', `sentryagent-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);

/** Where namespaces are off: a user `postgres`, in a folder that it can enter, with a copy of the server. */
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
