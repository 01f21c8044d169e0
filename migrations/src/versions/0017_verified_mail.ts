import type { Knex } from 'knex';
import { allow, asOwner, isolate, ownFunction } from '../sql.ts';

const expiryFinder = 'sentryagent_expiry_finder';
const mailer = 'sentryagent_mailer';
const expiringTenants = 'expiring_tenants(text, timestamptz, integer)';

const deleteMails = (condition: string): string => asOwner('mails', `delete from mails where ${condition}`);

/** A mail of a person has no tenant: it is queued before there is one. Only the people's role may queue it. */
const personMails = `
  alter table mails
    drop constraint mails_pkey,
    drop constraint mails_id_key,
    drop constraint mails_once_key,
    alter column tenant_id drop not null,
    add constraint mails_pkey primary key (id),
    add constraint mails_once_key unique nulls not distinct (tenant_id, kind, key, recipient);
  grant select, insert on mails to sentryagent_auth;
  create policy people on mails to sentryagent_auth using (tenant_id is null) with check (tenant_id is null);`;

const tenantMails = `
  drop policy people on mails;
  revoke all on mails from sentryagent_auth;
  alter table mails
    drop constraint mails_pkey,
    drop constraint mails_once_key,
    alter column tenant_id set not null,
    add constraint mails_pkey primary key (tenant_id, id),
    add constraint mails_id_key unique (id),
    add constraint mails_once_key unique (tenant_id, kind, key, recipient);`;

/** A mail that is due never again. */
const abandoning = `
  create function abandon_mail(mail_id text) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.mails set attempts = attempts + 1, next_attempt_at = 'infinity' where id = mail_id
  $$;`;

/** A person has one open link for an address, so a newer one ends the one before it. */
const links = `
  create unique index verifications_email_key on verifications (value)
    where identifier like 'email-verification:%';`;

/** The owners of the transaction's own tenant to whom mail may go; 20 at most, which bounds what a tenant can send. */
const owners = (verifiedOnly: boolean): string => `
  create or replace function tenant_owners() returns table (user_id text, email text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.id, u.email from public.members m join public.users u on u.id = m.user_id
    where m.tenant_id = current_setting('app.tenant_id', true) and m.role = 'owner'${verifiedOnly ? ' and u.email_verified' : ''}
    order by u.id${verifiedOnly ? ' limit 20' : ''}
  $$;`;

/** Of each credential the last notice of its expiry: one row, and a new expiry begins anew. */
const notices = `
  create table credential_notices (
    tenant_id text not null,
    credential_id text not null,
    expires_at timestamptz not null,
    days integer not null,
    primary key (tenant_id, credential_id),
    constraint credential_notices_credential_fkey foreign key (tenant_id, credential_id)
      references credentials (tenant_id, id)
  );
  ${isolate('credential_notices')}
  grant select, insert, update on credential_notices to sentryagent_app;
  grant execute on function client_is_live(agents, credentials) to sentryagent_app;`;

/**
 * A page of tenants, and which of them have a credential that expires soon: one look into the index for each, however
 * many tenants or credentials there are. `expiring_credentials` stays for the workers of the release before.
 */
const pages = `
  create index credentials_expiring_idx on credentials (tenant_id, expires_at) where revoked_at is null;
  create function expiring_tenants(after_id text, before timestamptz, max integer)
  returns table (tenant_id text, is_expiring boolean)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select t.id, exists (
      select from public.credentials c
      join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
      where c.tenant_id = t.id and c.revoked_at is null and c.expires_at > now() and c.expires_at <= before
        and public.client_is_live(a, c)
    )
    from (select id from public.tenants where id > after_id order by id limit max) t
    order by t.id
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${deleteMails(`kind = 'credential_expiry' and sent_at is null`)}
    ${personMails}
    ${abandoning}
    ${ownFunction('abandon_mail(text)', mailer)}
    ${links}
    ${owners(true)}
    ${notices}
    ${pages}
    ${ownFunction(expiringTenants, expiryFinder)}
    ${allow(expiryFinder, 'select', 'tenants')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop policy ${expiryFinder}_select on tenants;
    revoke all on tenants from ${expiryFinder};
    drop function ${expiringTenants};
    drop index credentials_expiring_idx;
    drop table credential_notices;
    revoke all on function client_is_live(agents, credentials) from sentryagent_app;
    ${owners(false)}
    drop index verifications_email_key;
    drop function abandon_mail(text);
    ${deleteMails('tenant_id is null')}
    ${tenantMails}
  `);
};
