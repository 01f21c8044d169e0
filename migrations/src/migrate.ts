import knexFactory from 'knex';
import type { Knex } from 'knex';
import { ensureAppRole } from './app-role.ts';

export interface MigrateSettings {
  /** Owns the schema and can create roles. */
  databaseUrl: string;
  /** If set, its user is created. */
  appDatabaseUrl?: string | undefined;
}

/** Any fixed number. Only one process at a time migrates. */
const LOCK = 7_231_954;

const withKnex = async <T>(databaseUrl: string, work: (knex: Knex) => Promise<T>): Promise<T> => {
  const knex = knexFactory({
    client: 'pg',
    connection: databaseUrl,
    pool: { min: 0, max: 3 },
    migrations: {
      directory: new URL('versions', import.meta.url).pathname,
      tableName: 'knex_migrations',
      loadExtensions: ['.ts'],
    },
  });
  try {
    return await knex.transaction(async (lock) => {
      await lock.raw('select pg_advisory_xact_lock(?)', [LOCK]);
      return work(knex);
    });
  } finally {
    await knex.destroy();
  }
};

/** Migrates the database to the newest version and creates the application's login. Returns the applied versions. */
export const migrateUp = ({ databaseUrl, appDatabaseUrl }: MigrateSettings): Promise<string[]> =>
  withKnex(databaseUrl, async (knex) => {
    const [, applied] = await knex.migrate.latest();
    if (appDatabaseUrl) await ensureAppRole(knex, appDatabaseUrl);
    return applied;
  });

/** Reverts the newest version, or all. Returns the reverted versions. */
export const migrateDown = ({ databaseUrl }: MigrateSettings, all = false): Promise<string[]> =>
  withKnex(databaseUrl, async (knex) => {
    const [, undone] = await (all ? knex.migrate.rollback(undefined, true) : knex.migrate.down());
    return undone;
  });
