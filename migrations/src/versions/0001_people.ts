import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction, secure } from '../sql.ts';

const roles = ['sentryagent_app', 'sentryagent_auth', 'sentryagent_session_finder'];
const tables = ['users', 'sessions', 'accounts', 'verifications', 'tenants', 'members', 'invitations'];

/** The tables are better-auth's: names and types are those that its own migrator would make. */
const people = `
  create table users (
    id text primary key,
    name text not null,
    email text not null unique,
    email_verified boolean not null,
    image text,
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null default current_timestamp
  );
  create table sessions (
    id text primary key,
    expires_at timestamptz not null,
    token text not null unique,
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null,
    ip_address text,
    user_agent text,
    user_id text not null references users (id) on delete cascade,
    active_tenant_id text
  );
  create index sessions_user_id_idx on sessions (user_id);
  create table accounts (
    id text primary key,
    account_id text not null,
    provider_id text not null,
    user_id text not null references users (id) on delete cascade,
    access_token text,
    refresh_token text,
    id_token text,
    access_token_expires_at timestamptz,
    refresh_token_expires_at timestamptz,
    scope text,
    password text,
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null
  );
  create index accounts_user_id_idx on accounts (user_id);
  create table verifications (
    id text primary key,
    identifier text not null,
    value text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null default current_timestamp
  );
  create index verifications_identifier_idx on verifications (identifier);`;

const organisations = `
  create table tenants (
    id text primary key,
    name text not null,
    slug text not null unique,
    logo text,
    created_at timestamptz not null,
    metadata text
  );
  create table members (
    id text primary key,
    tenant_id text not null references tenants (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member')),
    created_at timestamptz not null,
    constraint members_tenant_id_user_id_key unique (tenant_id, user_id)
  );
  create index members_tenant_id_idx on members (tenant_id);
  create index members_user_id_idx on members (user_id);
  create table invitations (
    id text primary key,
    tenant_id text not null references tenants (id) on delete cascade,
    email text not null,
    role text,
    status text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default current_timestamp,
    inviter_id text not null references users (id) on delete cascade
  );
  create index invitations_tenant_id_idx on invitations (tenant_id);
  create index invitations_email_idx on invitations (email);`;

const authOnly = (table: string): string => `
  ${secure(table)}
  grant select, insert, update, delete on ${table} to sentryagent_auth;
  create policy people on ${table} to sentryagent_auth using (true) with check (true);`;

/** Who a session belongs to, and in which tenant: the chosen one, else the one joined first. */
const findSessionMember = `
  create function find_session_member(session_id text)
  returns table (tenant_id text, tenant_name text, role text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select t.id, t.name, m.role
    from public.sessions s
    join public.members m on m.user_id = s.user_id
    join public.tenants t on t.id = m.tenant_id
    where s.id = session_id and s.expires_at > now()
    order by (t.id = s.active_tenant_id) desc nulls last, m.created_at, m.id
    limit 1
  $$;
  ${ownFunction('find_session_member(text)', 'sentryagent_session_finder')}
  ${['sessions', 'members', 'tenants'].map((table) => allow('sentryagent_session_finder', 'select', table)).join('')}`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    revoke all on schema public from public;
    ${roles.map(createRole).join('')}
    grant usage on schema public to sentryagent_app, sentryagent_auth;
    ${people}
    ${organisations}
    ${tables.map(authOnly).join('')}
    ${findSessionMember}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function find_session_member(text);
    ${[...tables]
      .reverse()
      .map((table) => `drop table ${table};`)
      .join('')}
    revoke all on schema public from ${roles.join(', ')};
    grant usage on schema public to public;
    ${roles.map(dropRole).join('')}
  `);
};
