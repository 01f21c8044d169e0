import type { Knex } from 'knex';

/**
 * Makes (or updates) the login that the processes connect with: the user and password of APP_DATABASE_URL. It owns
 * nothing and inherits nothing: each transaction takes the role it works in.
 */
export const ensureAppRole = async (knex: Knex, appDatabaseUrl: string): Promise<void> => {
  const { username, password } = new URL(appDatabaseUrl);
  const [role, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const found = await knex.raw('select 1 from pg_roles where rolname = ?', [role]);
  const verb = found.rows.length ? 'alter' : 'create';
  // DDL takes no bind parameters, so the server quotes the name and the literal itself.
  const quoted = await knex.raw('select quote_ident(?::text) as role, quote_literal(?::text) as secret', [
    role,
    secret,
  ]);
  const { role: name, secret: literal } = quoted.rows[0];
  await knex.raw(
    `${verb} role ${name} login noinherit nosuperuser nocreatedb nocreaterole nobypassrls password ${literal}`,
  );
  await knex.raw(`grant sentryagent_app, sentryagent_auth to ${name}`);
};
