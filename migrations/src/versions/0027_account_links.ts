import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction } from '../sql.ts';

const renamer = 'sentryagent_tenant_renamer';

/** A person has one open link of each kind, so a newer one ends the one before it. */
const links = `
  create unique index verifications_reset_key on verifications (value)
    where identifier like 'password-reset:%';
  create unique index verifications_email_change_key on verifications (split_part(value, ' ', 1))
    where identifier like 'email-change:%';`;

/**
 * Whatever sets a password: it ends every session and every open link of the person. A link to change the email address
 * would else let in whoever asked for it with the old password. The statement of the trigger sees all sessions that were
 * committed before the row of the account was locked.
 */
const endSessions = `
  create function end_sessions_of_old_password() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    delete from public.sessions where user_id = new.user_id;
    delete from public.verifications
    where identifier like 'email-change:%' and split_part(value, ' ', 1) = new.user_id;
    delete from public.verifications v using public.users u
    where u.id = new.user_id and v.identifier like 'password-reset:%' and v.value = u.id || ' ' || u.email;
    return null;
  end $$;
  create trigger end_sessions_of_old_password after update of password on accounts
    for each row when (old.password is distinct from new.password)
    execute function end_sessions_of_old_password();`;

/** Changes the name of the transaction's own tenant, and of no other. Returns whether it was another one. */
const renameTenant = `
  alter table tenants add constraint tenants_name_check check (length(name) between 1 and 512);
  create function rename_tenant(new_name text) returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with renamed as (
      update public.tenants set name = new_name
      where id = current_setting('app.tenant_id', true) and name <> new_name
      returning id
    )
    select exists (select from renamed)
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(renamer)}
    ${links}
    ${endSessions}
    ${renameTenant}
    ${ownFunction('rename_tenant(text)', renamer)}
    ${allow(renamer, 'select', 'tenants')}
    ${allow(renamer, 'update', 'tenants')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function rename_tenant(text);
    drop policy ${renamer}_update on tenants;
    drop policy ${renamer}_select on tenants;
    revoke all on tenants from ${renamer};
    revoke all on schema public from ${renamer};
    ${dropRole(renamer)}
    alter table tenants drop constraint tenants_name_check;
    drop trigger end_sessions_of_old_password on accounts;
    drop function end_sessions_of_old_password();
    drop index verifications_email_change_key, verifications_reset_key;
  `);
};
