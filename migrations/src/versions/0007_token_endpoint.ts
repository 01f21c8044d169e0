import type { Knex } from 'knex';
import { allow, createRole, dropRole, isolate, ownFunction } from '../sql.ts';

const keeper = 'sentryagent_assertion_keeper';
const finder = 'sentryagent_client_finder';

/** A credential is a secret, of which a hash is kept, or a public key: never something of both. */
const credentialKinds = `
  alter table credentials
    alter column secret_hash drop not null,
    alter column pepper_id drop not null,
    add column kind text not null default 'secret',
    add column algorithm text,
    add column public_jwk jsonb,
    add column thumbprint text,
    add constraint credentials_kind_check check (case kind
      when 'secret' then num_nonnulls(secret_hash, pepper_id) = 2
        and num_nonnulls(algorithm, public_jwk, thumbprint) = 0
      when 'key' then num_nonnulls(secret_hash, pepper_id) = 0
        and num_nonnulls(algorithm, public_jwk, thumbprint) = 3
        and algorithm in ('ES256', 'EdDSA', 'RS256')
      else false end);
  create unique index credentials_thumbprint_key on credentials (tenant_id, agent_id, thumbprint)
    where revoked_at is null;`;

const tables = `
  create table resources (
    tenant_id text not null references tenants (id),
    id text not null,
    identifier text not null check (length(identifier) between 1 and 256),
    scopes text[] not null check (cardinality(scopes) between 1 and 20),
    token_ttl_seconds integer not null check (token_ttl_seconds between 60 and 3600),
    created_at timestamptz not null,
    primary key (tenant_id, id),
    constraint resources_identifier_key unique (tenant_id, identifier)
  );
  create table assertion_uses (
    tenant_id text not null,
    credential_id text not null,
    jti text not null,
    used_by text not null,
    expires_at timestamptz not null,
    primary key (tenant_id, credential_id, jti),
    constraint assertion_uses_credential_fkey foreign key (tenant_id, credential_id)
      references credentials (tenant_id, id)
  );
  create index assertion_uses_expires_at_idx on assertion_uses (expires_at);`;

/** The live keys of one client, and the live ones among agents that a token speaks for. */
const findClients = `
  create function find_client_keys(client_id text)
  returns table (tenant_id text, credential_id text, algorithm text, public_jwk jsonb, thumbprint text, scopes text[])
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.tenant_id, c.id, c.algorithm, c.public_jwk, c.thumbprint, a.scopes
    from public.credentials c
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where a.id = client_id and c.kind = 'key' and public.client_is_live(a, c)
  $$;
  create function live_agents(agent_ids text[]) returns setof text
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select id from public.agents where id = any (agent_ids) and status = 'active'
  $$;`;

/**
 * Answers who was first to use an assertion; its other users are left out. Each call takes away some that have
 * expired, so the table needs no keeper of its own. The ten minutes are for clocks that differ: what the API takes for live
 * is never forgotten.
 */
const useAssertions = `
  create function use_assertions(uses jsonb) returns setof text
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    delete from public.assertion_uses a using (
      select e.tenant_id, e.credential_id, e.jti from public.assertion_uses e
      where e.expires_at < now() - interval '10 minutes'
      limit 2 * jsonb_array_length(uses) for update skip locked
    ) as expired
    where (a.tenant_id, a.credential_id, a.jti) = (expired.tenant_id, expired.credential_id, expired.jti);

    return query
    insert into public.assertion_uses as a (tenant_id, credential_id, jti, used_by, expires_at)
    select u.tenant_id, u.credential_id, u.jti, u.used_by, u.expires_at
    from jsonb_populate_recordset(null::public.assertion_uses, uses) as u
    order by 1, 2, 3
    on conflict do nothing
    returning a.used_by;
  end $$;`;

/** As it was, with the actions that count as an issued token. */
const appendAudit = (issuing: string): string => `
  create or replace function append_audit(entries jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    insert into public.audit_events (tenant_id, sequence, event_id, occurred_at, actor_kind, actor_id, agent_id,
      action, outcome, ip, user_agent, request_id, metadata, previous_hash, hash)
    select e.tenant_id, e.sequence, e.event_id, e.occurred_at, e.actor_kind, e.actor_id, e.agent_id, e.action,
      e.outcome, e.ip, e.user_agent, e.request_id, e.metadata, e.previous_hash, e.hash
    from jsonb_populate_recordset(null::public.audit_events, entries) as e;

    update public.audit_heads h set sequence = last.sequence, hash = last.hash
    from (
      select distinct on (e.tenant_id) e.tenant_id, e.sequence, e.hash
      from jsonb_populate_recordset(null::public.audit_events, entries) as e
      order by e.tenant_id, e.sequence desc
    ) as last
    where h.tenant_id = last.tenant_id;

    insert into public.usage_events as u (tenant_id, day, metric, source, count)
    select e.tenant_id, (e.occurred_at at time zone 'UTC')::date, 'token_issuances', 'ledger', count(*)
    from jsonb_populate_recordset(null::public.audit_events, entries) as e
    where e.action ${issuing}
    group by 1, 2
    order by 1, 2
    on conflict (tenant_id, day, metric, source)
      do update set count = u.count + excluded.count, updated_at = now();
  end $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(keeper)}
    ${credentialKinds}
    ${tables}
    ${['resources', 'assertion_uses'].map(isolate).join('')}
    grant select, insert, delete on resources to sentryagent_app;
    grant select on assertion_uses to sentryagent_app;
    ${findClients}
    ${ownFunction('find_client_keys(text)', finder)}
    ${ownFunction('live_agents(text[])', finder)}
    ${useAssertions}
    ${ownFunction('use_assertions(jsonb)', keeper)}
    ${(['select', 'insert', 'update', 'delete'] as const).map((command) => allow(keeper, command, 'assertion_uses')).join('')}
    ${appendAudit(`in ('token.issued', 'token.exchanged')`)}
  `);
};

/** Keys have no place in the older table: they go. */
export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${appendAudit(`= 'token.issued'`)}
    drop function use_assertions(jsonb), live_agents(text[]), find_client_keys(text);
    drop table assertion_uses, resources;
    alter table credentials no force row level security;
    delete from credentials where kind = 'key';
    alter table credentials force row level security;
    drop index credentials_thumbprint_key;
    alter table credentials
      drop constraint credentials_kind_check,
      drop column thumbprint,
      drop column public_jwk,
      drop column algorithm,
      drop column kind,
      alter column pepper_id set not null,
      alter column secret_hash set not null;
    revoke all on schema public from ${keeper};
    ${dropRole(keeper)}
  `);
};
