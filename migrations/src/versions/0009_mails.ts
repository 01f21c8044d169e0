import type { Knex } from 'knex';
import { allow, createRole, dropRole, isolate, ownFunction } from '../sql.ts';

const mailer = 'sentryagent_mailer';
const ownerFinder = 'sentryagent_owner_finder';
const expiryFinder = 'sentryagent_expiry_finder';

/** A mail is a row of the act's own transaction; its kind and key let an act that is repeated mail nobody twice. */
const table = `
  create table mails (
    tenant_id text not null references tenants (id),
    id text not null,
    kind text not null,
    key text not null,
    recipient text not null,
    data jsonb not null,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint mails_id_key unique (id),
    constraint mails_once_key unique (tenant_id, kind, key, recipient)
  );
  create index mails_pending_idx on mails (next_attempt_at) where sent_at is null;`;

/** The taken mail stays locked until the caller's transaction ends, so no two senders have it. */
const sending = `
  create function take_mail() returns setof mails
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    select * from public.mails where sent_at is null and next_attempt_at <= now()
    order by next_attempt_at limit 1 for update skip locked
  $$;
  create function settle_mail(mail_id text) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.mails set sent_at = now(), attempts = attempts + 1 where id = mail_id
  $$;
  create function postpone_mail(mail_id text, seconds integer) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.mails set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => seconds)
    where id = mail_id
  $$;`;

/** The owners of the transaction's own tenant, and of no other. */
const owners = `
  create function tenant_owners() returns table (user_id text, email text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.id, u.email from public.members m join public.users u on u.id = m.user_id
    where m.tenant_id = current_setting('app.tenant_id', true) and m.role = 'owner'
    order by u.id
  $$;`;

const expiring = `
  create function expiring_credentials(before timestamptz, after_id text, max integer)
  returns table (tenant_id text, credential_id text, agent_id text, agent_name text, expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.tenant_id, c.id, a.id, a.name, c.expires_at
    from public.credentials c join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where c.expires_at <= before and c.id > after_id and public.client_is_live(a, c)
    order by c.id limit max
  $$;
  create index credentials_expires_at_idx on credentials (expires_at) where revoked_at is null;
  grant execute on function client_is_live(agents, credentials) to ${expiryFinder};`;

const functions: [string, string][] = [
  ['take_mail()', mailer],
  ['settle_mail(text)', mailer],
  ['postpone_mail(text, integer)', mailer],
  ['tenant_owners()', ownerFinder],
  ['expiring_credentials(timestamptz, text, integer)', expiryFinder],
];

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${[mailer, ownerFinder, expiryFinder].map(createRole).join('')}
    ${table}
    ${isolate('mails')}
    grant select, insert on mails to sentryagent_app;
    ${sending}
    ${owners}
    ${expiring}
    ${functions.map(([signature, role]) => ownFunction(signature, role)).join('')}
    ${allow(mailer, 'select', 'mails')}
    ${allow(mailer, 'update', 'mails')}
    ${['members', 'users'].map((name) => allow(ownerFinder, 'select', name)).join('')}
    ${['credentials', 'agents'].map((name) => allow(expiryFinder, 'select', name)).join('')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function ${functions.map(([signature]) => signature).join(', ')};
    drop index credentials_expires_at_idx;
    drop table mails;
    ${['members', 'users'].map((name) => `drop policy ${ownerFinder}_select on ${name}; revoke all on ${name} from ${ownerFinder};`).join('')}
    ${['credentials', 'agents'].map((name) => `drop policy ${expiryFinder}_select on ${name}; revoke all on ${name} from ${expiryFinder};`).join('')}
    revoke all on function client_is_live(agents, credentials) from ${expiryFinder};
    revoke all on schema public from ${mailer}, ${ownerFinder}, ${expiryFinder};
    ${[mailer, ownerFinder, expiryFinder].map(dropRole).join('')}
  `);
};
