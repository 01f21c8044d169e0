import knexFactory from 'knex';
import type { Knex } from 'knex';
import { ensureAppRole } from './app-role.ts';

export interface MigrateSettings {
  /** Owns the schema and may create roles. */
  databaseUrl: string;
  /** Its user is made when given. */
  appDatabaseUrl?: string | undefined;
}

/** Any fixed number: processes that migrate at the same time take turns under it. */
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

/** Brings the database to the newest version and makes the application's login; returns the versions applied. */
export const migrateUp = ({ databaseUrl, appDatabaseUrl }: MigrateSettings): Promise<string[]> =>
  withKnex(databaseUrl, async (knex) => {
    const [, applied] = await knex.migrate.latest();
    if (appDatabaseUrl) await ensureAppRole(knex, appDatabaseUrl);
    return applied;
  });

/** Takes the newest version back, or all of them; returns the versions undone. */
export const migrateDown = ({ databaseUrl }: MigrateSettings, all = false): Promise<string[]> =>
  withKnex(databaseUrl, async (knex) => {
    const [, undone] = await (all ? knex.migrate.rollback(undefined, true) : knex.migrate.down());
    return undone;
  });
