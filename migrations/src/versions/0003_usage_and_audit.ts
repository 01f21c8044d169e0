import type { Knex } from 'knex';
import { addTenants, allow, createRole, dropRole, isolate, ownFunction } from '../sql.ts';

const tables = `
  create table usage_events (
    tenant_id text not null references tenants (id),
    day date not null,
    metric text not null check (metric in ('api_calls', 'token_issuances', 'active_agents')),
    source text not null,
    count bigint not null check (count >= 0),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, day, metric, source)
  );
  create table audit_heads (
    tenant_id text primary key references tenants (id),
    sequence bigint not null default 0,
    hash bytea not null default decode(repeat('00', 32), 'hex')
  );
  create table audit_events (
    tenant_id text not null references tenants (id),
    sequence bigint not null,
    event_id text not null,
    occurred_at timestamptz(3) not null,
    actor_kind text not null check (actor_kind in ('agent', 'member', 'system')),
    actor_id text not null,
    agent_id text,
    action text not null,
    outcome text not null check (outcome in ('success', 'failure')),
    ip text,
    user_agent text,
    request_id text,
    metadata jsonb not null,
    previous_hash bytea not null,
    hash bytea not null,
    primary key (tenant_id, sequence),
    constraint audit_events_event_id_key unique (tenant_id, event_id)
  );`;

/**
 * Counts come as absolute totals per source, so a repeated or reordered flush changes nothing. A tenant that is gone
 * (Redis may outlive its row) stops nobody else's counts.
 */
const recordUsage = `
  create function record_usage(totals jsonb) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.usage_events as u (tenant_id, day, metric, source, count)
    select t.tenant_id, t.day, t.metric, t.source, t.count
    from jsonb_to_recordset(totals) as t (tenant_id text, day date, metric text, source text, count bigint)
    where exists (select from public.tenants where tenants.id = t.tenant_id)
    order by 1, 2, 3, 4
    on conflict (tenant_id, day, metric, source)
      do update set count = excluded.count, updated_at = now() where u.count < excluded.count
  $$;`;

/** A tenant whose head is busy is left for the caller's next batch: nobody waits behind another tenant. */
const lockHeads = `
  create function lock_audit_heads(tenant_ids text[]) returns setof audit_heads
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    select h.* from public.audit_heads h
    where h.tenant_id = any (tenant_ids) order by h.tenant_id for update skip locked
  $$;`;

/** Entries, the moved heads and the count of tokens issued stand or fall together. */
const appendAudit = `
  create function append_audit(entries jsonb) returns void
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
    where e.action = 'token.issued'
    group by 1, 2
    order by 1, 2
    on conflict (tenant_id, day, metric, source)
      do update set count = u.count + excluded.count, updated_at = now();
  end $$;`;

const foundTenant = (heads: string): string => `
  create or replace function found_tenant() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    insert into public.tenant_subscriptions (tenant_id) values (new.id);${heads}
    return new;
  end $$;`;

const auditor = 'sentryagent_auditor';
const recorder = 'sentryagent_usage_recorder';

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(auditor)}
    ${createRole(recorder)}
    ${tables}
    ${addTenants('audit_heads')}
    ${['usage_events', 'audit_heads', 'audit_events'].map(isolate).join('')}
    grant select on usage_events to sentryagent_app;
    grant select, update on audit_heads to sentryagent_app;
    grant select, insert on audit_events to sentryagent_app;
    ${recordUsage}
    ${ownFunction('record_usage(jsonb)', recorder)}
    ${allow(recorder, 'select', 'tenants')}
    ${allow(recorder, 'select', 'usage_events')}
    ${allow(recorder, 'insert', 'usage_events')}
    ${allow(recorder, 'update', 'usage_events')}
    ${lockHeads}
    ${ownFunction('lock_audit_heads(text[])', auditor)}
    ${appendAudit}
    ${ownFunction('append_audit(jsonb)', auditor)}
    ${allow(auditor, 'select', 'audit_heads')}
    ${allow(auditor, 'update', 'audit_heads')}
    ${allow(auditor, 'insert', 'audit_events')}
    ${allow(auditor, 'select', 'usage_events')}
    ${allow(auditor, 'insert', 'usage_events')}
    ${allow(auditor, 'update', 'usage_events')}
    ${foundTenant('\n    insert into public.audit_heads (tenant_id) values (new.id);')}
    ${allow('sentryagent_tenant_founder', 'insert', 'audit_heads')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${foundTenant('')}
    drop function append_audit(jsonb), lock_audit_heads(text[]), record_usage(jsonb);
    drop table audit_events, audit_heads, usage_events;
    drop policy ${recorder}_select on tenants;
    revoke select on tenants from ${recorder};
    revoke all on schema public from ${auditor}, ${recorder};
    ${dropRole(auditor)}
    ${dropRole(recorder)}
  `);
};
