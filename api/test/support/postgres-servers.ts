import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { migrateUp } from '@sentryagent/migrations';
import { createChildren } from '../../../dev/src/children.ts';
import { freePort } from '../../../dev/src/ports.ts';
import { startPostgres } from '../../../dev/src/postgres-server.ts';
import { required } from '../../../dev/test/support/required.ts';
import { query } from './servers.ts';
import { until } from '../../../dev/test/support/until.ts';

/** A Postgres of a test's own, to be broken at will. */
export interface PostgresServer {
  /** As the superuser, and as the application's login. */
  adminUrl: string;
  appUrl: string;
  sql(text: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
  /** It stops when its last client leaves; whoever comes meanwhile is answered 57P03, as while it starts. */
  stopWhenAlone(): Promise<void>;
}

const PASSWORD = 'only-for-tests';

const start = async (folder: string): Promise<PostgresServer> => {
  const children = createChildren({ dataDir: folder, root: folder, env: { PATH: required('PATH') } });
  const settings = { port: await freePort(), password: PASSWORD, durable: false };
  const adminUrl = await startPostgres({ children, dataDir: folder, ...settings });
  const appUrl = new URL(adminUrl);
  appUrl.username = 'sentryagent_test_login';
  const sql = async (text: string) => (await query(adminUrl, text)).rows as Record<string, unknown>[];
  return {
    adminUrl,
    appUrl: appUrl.toString(),
    sql,
    stop: children.stopAll,
    stopWhenAlone: async () => {
      const [row] = await sql(`select pg_read_file('postmaster.pid') as lock`);
      process.kill(Number.parseInt(row!.lock as string, 10), 'SIGTERM');
      const code = async () =>
        sql('select 1').then(
          () => undefined,
          (error: pg.DatabaseError) => error.code,
        );
      await until('nobody is let in', async () => (await code()) === '57P03');
    },
  };
};

const dataOf = async (server: PostgresServer): Promise<string> => {
  const [row] = await server.sql('show data_directory');
  return row!.data_directory as string;
};

/**
 * A migrated primary, and a hot standby with a copy of its data; `select pg_promote()` makes that a primary. `fill`: what
 * both of them have, written before the copy. The primary starts anew after it, at another address.
 */
export const startPostgresPair = async (
  fill: (server: PostgresServer) => Promise<void> = async () => {},
): Promise<{ primary: PostgresServer; standby: PostgresServer }> => {
  const [one, other] = ['one', 'other'].map((name) =>
    mkdtempSync(join(required('SENTRYAGENT_DATA_DIR'), `postgres-${name}-`)),
  ) as [string, string];
  const [first, second] = [await start(one), await start(other)];
  const { adminUrl, appUrl } = first;
  await migrateUp({ databaseUrl: adminUrl, appDatabaseUrl: appUrl });
  await fill(first);
  const [from, to] = [await dataOf(first), await dataOf(second)];
  await Promise.all([first.stop(), second.stop()]);
  execFileSync('rm', ['-r', to]);
  execFileSync('cp', ['-a', from, to]);
  writeFileSync(join(to, 'standby.signal'), '');
  return { primary: await start(one), standby: await start(other) };
};
