import type { Knex } from 'knex';

/** What the login must not have, by the column that tells. Named only where it is set: naming it asks for it. */
const FORBIDDEN = {
  rolsuper: 'nosuperuser',
  rolbypassrls: 'nobypassrls',
  rolreplication: 'noreplication',
  rolcreaterole: 'nocreaterole',
  rolcreatedb: 'nocreatedb',
};

/**
 * Makes (or updates) the login that the processes connect with: the user and password of APP_DATABASE_URL. It owns
 * nothing and inherits nothing: each transaction takes the role it works in.
 */
export const ensureAppRole = async (knex: Knex, appDatabaseUrl: string): Promise<void> => {
  const { username, password } = new URL(appDatabaseUrl);
  const [role, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const [found] = (await knex.raw('select * from pg_roles where rolname = ?', [role])).rows;
  const verb = found ? 'alter' : 'create';
  const denied = Object.entries(FORBIDDEN).flatMap(([column, denial]) => (found?.[column] ? [denial] : []));
  await knex.transaction(async (trx) => {
    // DDL takes no bind parameters, so the server puts name and password into it.
    await trx.raw(`select set_config('app.login', ?, true), set_config('app.password', ?, true)`, [
      role,
      secret,
    ]);
    await trx.raw(`do $$ begin
      execute format('${verb} role %I login noinherit ${denied.join(' ')} password %L',
        current_setting('app.login'), current_setting('app.password'));
      execute format('grant sentryagent_app, sentryagent_auth to %I', current_setting('app.login'));
    end $$`);
  });
};
