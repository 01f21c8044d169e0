import { adminUrl, createTestDatabase, query } from './servers.ts';

/**
 * A database whose clock the test sets: who asks for `now()` without a schema, as the API's statements do, finds the
 * test's before Postgres' own. Functions with a search path of their own, and defaults, keep the true time.
 */
export interface DatabaseClock {
  database: string;
  set(instant: string): Promise<void>;
}

export const createDatabaseWithClock = async (instant: string): Promise<DatabaseClock> => {
  const database = await createTestDatabase();
  const set = async (to: string): Promise<void> => {
    const at = new Date(to).toISOString();
    await query(
      adminUrl(database),
      `create or replace function held.now() returns timestamptz language sql stable as $$ select timestamptz '${at}' $$`,
    );
  };
  await query(adminUrl(database), 'create schema held; grant usage on schema held to public');
  await set(instant);
  await query(adminUrl(database), `alter database ${database} set search_path = held, pg_catalog, public`);
  return { database, set };
};
