import type { Knex } from 'knex';
import { addTenants, allow, createRole, dropRole, isolate, ownFunction } from '../sql.ts';

const tables = `
  create table tenant_subscriptions (
    tenant_id text primary key references tenants (id),
    tier text not null default 'free' check (tier in ('free', 'paid')),
    status text not null default 'active' check (status in ('active', 'trial', 'past_due', 'cancelled')),
    period_start timestamptz,
    period_end timestamptz,
    renews_at timestamptz,
    ends_at timestamptz,
    updated_at timestamptz not null default now()
  );
  create table agents (
    tenant_id text not null references tenants (id),
    id text not null,
    name text not null check (length(name) between 1 and 128),
    description text check (length(description) <= 1024),
    status text not null default 'active' check (status in ('active', 'suspended', 'decommissioned')),
    scopes text[] not null,
    owner text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    constraint agents_id_key unique (id)
  );
  create unique index agents_name_key on agents (tenant_id, name) where status <> 'decommissioned';
  create table credentials (
    tenant_id text not null,
    id text not null,
    agent_id text not null,
    secret_hash bytea not null,
    pepper_id text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    constraint credentials_id_key unique (id),
    constraint credentials_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
  );
  create index credentials_agent_idx on credentials (tenant_id, agent_id);`;

/**
 * One predicate for "may authenticate" in every function that issues. Its body is bound when it is made, so no
 * search path can redirect it.
 */
const clients = `
  create function client_is_live(agents, credentials) returns boolean
  language sql stable
  return $1.status = 'active' and $2.revoked_at is null and ($2.expires_at is null or $2.expires_at > now());

  create function find_client(client_id text, credential_id text)
  returns table (tenant_id text, secret_hash bytea, pepper_id text, scopes text[], live boolean)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.tenant_id, c.secret_hash, c.pepper_id, a.scopes, public.client_is_live(a, c)
    from public.credentials c
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where c.id = credential_id and a.id = client_id
  $$;

  create function live_credentials(credential_ids text[]) returns setof text
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.id
    from public.credentials c
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where c.id = any (credential_ids) and public.client_is_live(a, c)
  $$;
  revoke all on function client_is_live(agents, credentials) from public;
  grant execute on function client_is_live(agents, credentials) to sentryagent_client_finder;`;

/** A tenant never exists without its subscription row: the row that its limits are checked under. */
const foundTenant = `
  create function found_tenant() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    insert into public.tenant_subscriptions (tenant_id) values (new.id);
    return new;
  end $$;
  create trigger found_tenant after insert on tenants for each row execute function found_tenant();`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole('sentryagent_client_finder')}
    ${createRole('sentryagent_tenant_founder')}
    ${tables}
    ${addTenants('tenant_subscriptions')}
    ${isolate('tenant_subscriptions')}
    ${isolate('agents')}
    ${isolate('credentials')}
    grant select, update on tenant_subscriptions to sentryagent_app;
    grant select, insert, update on agents, credentials to sentryagent_app;
    ${clients}
    ${ownFunction('find_client(text, text)', 'sentryagent_client_finder')}
    ${ownFunction('live_credentials(text[])', 'sentryagent_client_finder')}
    ${allow('sentryagent_client_finder', 'select', 'agents')}
    ${allow('sentryagent_client_finder', 'select', 'credentials')}
    ${foundTenant}
    ${ownFunction('found_tenant()', 'sentryagent_tenant_founder')}
    revoke execute on function found_tenant() from sentryagent_app;
    ${allow('sentryagent_tenant_founder', 'insert', 'tenant_subscriptions')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop trigger found_tenant on tenants;
    drop function found_tenant(), find_client(text, text), live_credentials(text[]),
      client_is_live(agents, credentials);
    drop table credentials, agents, tenant_subscriptions;
    revoke all on schema public from sentryagent_client_finder, sentryagent_tenant_founder;
    ${dropRole('sentryagent_client_finder')}
    ${dropRole('sentryagent_tenant_founder')}
  `);
};
