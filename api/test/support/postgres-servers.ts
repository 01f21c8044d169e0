import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
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

const pidOf = async (sql: PostgresServer['sql']): Promise<number> => {
  const [row] = await sql(`select pg_read_file('postmaster.pid') as lock`);
  return Number.parseInt(row!.lock as string, 10);
};

const childrenIn = (folder: string) =>
  createChildren({ dataDir: folder, root: folder, env: { PATH: required('PATH') } });

const newFolder = (name: string): string =>
  mkdtempSync(join(required('SENTRYAGENT_DATA_DIR'), `postgres-${name}-`));

const start = async (folder: string, durable = false, port?: number): Promise<PostgresServer> => {
  const children = childrenIn(folder);
  const settings = { port: port ?? (await freePort()), password: PASSWORD, durable };
  const starting = startPostgres({ children, dataDir: folder, ...settings });
  starting.catch(() => {});
  const adminUrl = await Promise.race([
    starting,
    children.died.then((reason) => {
      throw new Error(reason);
    }),
  ]);
  const appUrl = new URL(adminUrl);
  appUrl.username = 'sentryagent_test_login';
  const sql = async (text: string) => (await query(adminUrl, text)).rows as Record<string, unknown>[];
  return {
    adminUrl,
    appUrl: appUrl.toString(),
    sql,
    stop: children.stopAll,
    stopWhenAlone: async () => {
      process.kill(await pidOf(sql), 'SIGTERM');
      const code = async () =>
        sql('select 1').then(
          () => undefined,
          (error: pg.DatabaseError) => error.code,
        );
      await until('nobody is let in', async () => (await code()) === '57P03');
    },
  };
};

/** A migrated Postgres that keeps what it has committed when it is killed, and starts again at its address. */
export const startDurablePostgres = async () => {
  const folder = newFolder('durable');
  let server = await start(folder, true);
  const { adminUrl, appUrl, sql } = server;
  await migrateUp({ databaseUrl: adminUrl, appDatabaseUrl: appUrl });
  const restart = async (tries = 20): Promise<void> => {
    try {
      server = await start(folder, true, Number(new URL(adminUrl).port));
    } catch (error) {
      // A process of the killed one still holds its memory.
      if (tries <= 1) throw error;
      await wait(200);
      await restart(tries - 1);
    }
  };
  return {
    adminUrl,
    appUrl,
    kill: async () => void process.kill(await pidOf(sql), 'SIGKILL'),
    restart: () => restart(),
    stop: () => server.stop(),
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
  const [one, other] = [newFolder('one'), newFolder('other')];
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
