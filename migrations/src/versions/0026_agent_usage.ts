import type { Knex } from 'knex';
import { allow, isolate } from '../sql.ts';

const auditor = 'sentryagent_auditor';

/**
 * What each agent used on a UTC day. No foreign key to `agents`: the commit of tokens would wait for an agent that is
 * locked by a change, and that change waits for the audit head, which the commit has locked.
 */
const table = `
  create table agent_usage (
    tenant_id text not null references tenants (id),
    agent_id text not null,
    metric text not null check (metric in ('api_calls', 'token_issuances')),
    day date not null,
    count bigint not null check (count >= 0),
    last_at timestamptz(3) not null,
    primary key (tenant_id, agent_id, metric, day)
  );
  create index agent_usage_day_idx on agent_usage (tenant_id, metric, day);`;

const issued = `action in ('token.issued', 'token.exchanged')`;

/**
 * Counts the tokens that are already in the log. The lock lets the commits that are under way finish, and makes the next
 * ones wait for the new `append_audit`. So each token is counted once.
 */
const backfill = `
  lock table audit_heads in exclusive mode;
  alter table audit_events no force row level security;
  insert into agent_usage (tenant_id, agent_id, metric, day, count, last_at)
  select tenant_id, actor_id, 'token_issuances', (occurred_at at time zone 'UTC')::date, count(*), max(occurred_at)
  from audit_events
  where ${issued}
  group by 1, 2, 4;
  alter table audit_events force row level security;`;

const columns = `tenant_id, sequence, event_id, occurred_at, actor_kind, actor_id, agent_id, action, outcome, ip,
  user_agent, request_id, metadata, previous_hash, hash`;

/** `more` is another part of the same statement. */
const appendAudit = (more: string): string => `
  create or replace function append_audit(entries jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    with entry as materialized (
      select * from jsonb_populate_recordset(null::public.audit_events, entries)
    ), inserted as (
      insert into public.audit_events (${columns}) select ${columns} from entry
    ), last as (
      select distinct on (tenant_id) tenant_id, sequence, hash from entry order by tenant_id, sequence desc
    ), moved as (
      update public.audit_heads h set sequence = last.sequence, hash = last.hash
      from last where h.tenant_id = last.tenant_id
    )${more}
    insert into public.usage_events as u (tenant_id, day, metric, source, count)
    select tenant_id, (occurred_at at time zone 'UTC')::date, 'token_issuances', 'ledger', count(*)
    from entry
    where ${issued}
    group by 1, 2
    order by 1, 2
    on conflict (tenant_id, day, metric, source)
      do update set count = u.count + excluded.count, updated_at = now();
  end $$;`;

/** A token counts for the agent that authenticated to get it, even if it acts for another one. */
const countByAgent = `, counted as (
      insert into public.agent_usage as a (tenant_id, agent_id, metric, day, count, last_at)
      select tenant_id, actor_id, 'token_issuances', (occurred_at at time zone 'UTC')::date, count(*), max(occurred_at)
      from entry
      where ${issued}
      group by 1, 2, 4
      order by 1, 2, 4
      on conflict (tenant_id, agent_id, metric, day)
        do update set count = a.count + excluded.count, last_at = greatest(a.last_at, excluded.last_at)
    )`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${table}
    ${backfill}
    ${isolate('agent_usage')}
    grant select on agent_usage to sentryagent_app;
    ${(['select', 'insert', 'update'] as const).map((command) => allow(auditor, command, 'agent_usage')).join('')}
    ${appendAudit(countByAgent)}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${appendAudit('')}
    drop table agent_usage;
  `);
};
