import type { Knex } from 'knex';
import { createRole, dropRole, ownFunction } from '../sql.ts';

const agents = `
  alter table agents
    add column email text check (length(email) <= 254),
    add column agent_type text not null default 'custom' check (agent_type in
      ('screener', 'classifier', 'orchestrator', 'extractor', 'summarizer', 'router', 'monitor', 'custom')),
    add column version text not null default '1.0.0' check (length(version) <= 64),
    add column capabilities text[] not null default '{}' check (cardinality(capabilities) <= 32),
    add column owner_team text check (length(owner_team) between 1 and 128),
    add column deployment_env text not null default 'production'
      check (deployment_env in ('development', 'staging', 'production')),
    add column is_public boolean not null default false,
    add column revision integer not null default 1,
    add column decommissioned_at timestamptz;`;

/**
 * Until now an agent that another agent registered was owned by that agent; behind each stands a member. The schema's
 * owner stands under row-level security too, so it steps out of it for the one statement.
 */
const ownersAreMembers = `
  alter table agents no force row level security;
  with recursive behind as (
    select tenant_id, id, owner from agents where owner not like 'agt\\_%'
    union all
    select a.tenant_id, a.id, b.owner from agents a join behind b on a.tenant_id = b.tenant_id and a.owner = b.id
  )
  update agents a set owner = b.owner from behind b
  where a.tenant_id = b.tenant_id and a.id = b.id and a.owner <> b.owner;
  alter table agents force row level security;

  alter table agents add column live_owner text
    generated always as (case when status <> 'decommissioned' then owner end) stored;
  alter table agents add constraint agents_owner_fkey
    foreign key (tenant_id, live_owner) references members (tenant_id, user_id);
  create index agents_live_owner_idx on agents (tenant_id, live_owner);`;

/** A rotation keeps the credential and counts its generation; the secret before it may live on for a while. */
const credentials = `
  alter table credentials
    add column name text check (length(name) between 1 and 128),
    add column generation integer not null default 0,
    add column previous_hash bytea,
    add column previous_pepper_id text,
    add column previous_until timestamptz,
    add column last_used_at timestamptz,
    add constraint credentials_previous_check
      check (num_nulls(previous_hash, previous_pepper_id, previous_until) in (0, 3));`;

/** client_is_enabled reads nothing but its arguments: whoever may call client_is_live may call it. */
const predicates = `
  create function client_is_enabled(agents, credentials) returns boolean
  language sql stable
  return $1.status = 'active' and $2.revoked_at is null;

  create or replace function client_is_live(agents, credentials) returns boolean
  language sql stable
  return client_is_enabled($1, $2) and ($2.expires_at is null or $2.expires_at > now());

  create function generation_is_live(credentials, integer) returns boolean
  language sql stable
  return $2 = $1.generation or ($2 = $1.generation - 1 and $1.previous_until > now());

  revoke all on function generation_is_live(credentials, integer) from public;
  grant execute on function generation_is_live(credentials, integer) to sentryagent_client_finder;`;

/** The columns that processes of the version before read stay what they were, and so does live_credentials. */
const clients = `
  drop function find_client(text, text);
  create function find_client(client_id text, credential_id text)
  returns table (tenant_id text, secret_hash bytea, pepper_id text, scopes text[], live boolean, enabled boolean,
    expires_at timestamptz, generation integer, previous_hash bytea, previous_pepper_id text,
    previous_until timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.tenant_id, c.secret_hash, c.pepper_id, a.scopes, public.client_is_live(a, c),
      public.client_is_enabled(a, c), c.expires_at, c.generation, c.previous_hash, c.previous_pepper_id,
      c.previous_until
    from public.credentials c
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where c.id = credential_id and a.id = client_id
  $$;
  ${ownFunction('find_client(text, text)', 'sentryagent_client_finder')}

  create function live_proofs(credential_ids text[], generations integer[])
  returns table (credential_id text, generation integer)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.id, asked.generation
    from unnest(credential_ids, generations) as asked (id, generation)
    join public.credentials c on c.id = asked.id
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where public.client_is_live(a, c) and public.generation_is_live(c, asked.generation)
  $$;
  ${ownFunction('live_proofs(text[], integer[])', 'sentryagent_client_finder')}`;

const recorder = 'sentryagent_use_recorder';

/** Once a minute and credential is enough, and a row that somebody holds is left for the next time. */
const uses = `
  create function record_credential_uses(uses jsonb) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with due as (
      select c.id, u.used_at
      from jsonb_to_recordset(uses) as u (id text, used_at timestamptz)
      join public.credentials c on c.id = u.id
      where c.last_used_at is null or c.last_used_at <= u.used_at - interval '1 minute'
      order by c.id for update of c skip locked
    )
    update public.credentials c set last_used_at = due.used_at from due where c.id = due.id
  $$;
  ${ownFunction('record_credential_uses(jsonb)', recorder)}
  grant select (id, last_used_at), update (last_used_at) on credentials to ${recorder};
  create policy ${recorder}_select on credentials for select to ${recorder} using (true);
  create policy ${recorder}_update on credentials for update to ${recorder} using (true) with check (true);`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(recorder)}
    ${agents}
    ${ownersAreMembers}
    ${credentials}
    ${predicates}
    ${clients}
    ${uses}
  `);
};

const findClientBefore = `
  create function find_client(client_id text, credential_id text)
  returns table (tenant_id text, secret_hash bytea, pepper_id text, scopes text[], live boolean)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.tenant_id, c.secret_hash, c.pepper_id, a.scopes, public.client_is_live(a, c)
    from public.credentials c
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where c.id = credential_id and a.id = client_id
  $$;
  ${ownFunction('find_client(text, text)', 'sentryagent_client_finder')}`;

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop policy ${recorder}_select on credentials;
    drop policy ${recorder}_update on credentials;
    revoke select (id, last_used_at), update (last_used_at) on credentials from ${recorder};
    drop function record_credential_uses(jsonb), live_proofs(text[], integer[]), find_client(text, text),
      generation_is_live(credentials, integer);
    create or replace function client_is_live(agents, credentials) returns boolean
    language sql stable
    return $1.status = 'active' and $2.revoked_at is null and ($2.expires_at is null or $2.expires_at > now());
    drop function client_is_enabled(agents, credentials);
    ${findClientBefore}
    alter table credentials drop constraint credentials_previous_check, drop column name, drop column generation,
      drop column previous_hash, drop column previous_pepper_id, drop column previous_until,
      drop column last_used_at;
    drop index agents_live_owner_idx;
    alter table agents drop constraint agents_owner_fkey, drop column live_owner, drop column email,
      drop column agent_type, drop column version, drop column capabilities, drop column owner_team,
      drop column deployment_env, drop column is_public, drop column revision, drop column decommissioned_at;
    revoke all on schema public from ${recorder};
    ${dropRole(recorder)}
  `);
};
