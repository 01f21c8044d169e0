import type { Knex } from 'knex';

/**
 * The attributes that the login must not have, by catalogue column. Revoked only if set, because revoking needs the
 * privilege too.
 */
const FORBIDDEN = {
  rolsuper: 'nosuperuser',
  rolbypassrls: 'nobypassrls',
  rolreplication: 'noreplication',
  rolcreaterole: 'nocreaterole',
  rolcreatedb: 'nocreatedb',
};

/**
 * Creates or updates the login of the processes: the user and password in APP_DATABASE_URL. It owns nothing and
 * inherits nothing. Each transaction sets its role.
 */
export const ensureAppRole = async (knex: Knex, appDatabaseUrl: string): Promise<void> => {
  const { username, password } = new URL(appDatabaseUrl);
  const [role, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const [found] = (await knex.raw('select * from pg_roles where rolname = ?', [role])).rows;
  const verb = found ? 'alter' : 'create';
  const denied = Object.entries(FORBIDDEN).flatMap(([column, denial]) => (found?.[column] ? [denial] : []));
  await knex.transaction(async (trx) => {
    // DDL accepts no bind parameters, so the server formats name and password.
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
