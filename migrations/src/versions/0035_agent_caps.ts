import type { Knex } from 'knex';
import { allow, asOwner, isolate, ownFunction } from '../sql.ts';

const recorder = 'sentryagent_usage_recorder';
const settler = 'sentryagent_usage_settler';
const metrics = `'api_calls', 'token_issuances', 'active_agents'`;
const refused = `'refused_quota', 'refused_rate', 'refused_agent'`;
const READ_CAPS = 'read_call_caps(xid8)';
const CLOSE = 'close_agent_calls(integer)';

/** Serializes settling and writers of counts, as in the migration that introduced settling. */
const LOCK = 7_231_957;

/**
 * `call_cap_written_by`: as of revocations, so that processes read only what has changed. A restored database can have
 * numbers of the cluster before, which are higher than all of its own: only the first read returns these.
 */
const caps = `
  alter table agents
    add column call_cap jsonb constraint agents_call_cap_check check (
      call_cap is null or coalesce(
        (call_cap ->> 'max')::bigint between 1 and 1000000000 and call_cap ->> 'mode' in ('enforce', 'report'), false
      )
    ),
    add column call_cap_written_by xid8;
  create index agents_call_cap_written_by_idx on agents (call_cap_written_by) where call_cap_written_by is not null;
  create function follow_call_cap() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    new.call_cap_written_by := pg_current_xact_id();
    perform pg_notify('sentryagent_token_feed', '');
    return new;
  end $$;
  create trigger follow_call_cap before update of call_cap on agents
    for each row when (old.call_cap is distinct from new.call_cap) execute function follow_call_cap();
  create trigger follow_new_call_cap before insert on agents
    for each row when (new.call_cap is not null) execute function follow_call_cap();
  create function ${READ_CAPS.replace('xid8', 'since xid8')} returns table (agent_id text, max bigint)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.id, case when a.call_cap ->> 'mode' = 'enforce' then (a.call_cap ->> 'max')::bigint end
    from public.agents a
    where a.call_cap_written_by >= since
      and (since = '0' or a.call_cap_written_by < pg_snapshot_xmax(pg_current_snapshot()))
  $$;`;

/** The API calls of days that are not settled, by agent and source. No foreign key to `agents`, as in `agent_usage`. */
const calls = `
  create table agent_calls (
    tenant_id text not null references tenants (id),
    day date not null,
    agent_id text not null,
    source text not null,
    count bigint not null check (count >= 0),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, day, agent_id, source)
  );
  create function drop_late_calls() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    perform pg_advisory_xact_lock_shared(${LOCK});
    perform from public.settled_days d
    where d.day = new.day and (d.settled_at is not null or new.tenant_id <= d.settled_to);
    if found then return null; end if;
    return new;
  end $$;
  create trigger drop_late_calls before insert on agent_calls for each row execute function drop_late_calls();`;

/** `totals`: which metrics come as totals of a source, not as what is added. */
const markLate = (totals: string): string => `
  create or replace function mark_late() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    perform pg_advisory_xact_lock_shared(${LOCK});
    perform from public.settled_days d
    where d.day = new.day and (d.settled_at is not null or new.tenant_id <= d.settled_to);
    if not found then return new; end if;
    if new.metric ${totals} then
      new.count := new.count - coalesce((
        select u.count from public.usage_events u
        where (u.tenant_id, u.day, u.metric, u.source) = (new.tenant_id, new.day, new.metric, new.source)
      ), 0);
      if new.count <= 0 then return null; end if;
    end if;
    new.source := new.source || '/late';
    new.late := true;
    new.unshared := false;
    return new;
  end $$;`;

const recordUsage = (column: string, condition: string, more: string): string => `
  create or replace function record_usage(totals jsonb) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.usage_events as u (tenant_id, day, metric, source, count, unshared)
    select t.tenant_id, t.day, t.metric, t.source, t.count, coalesce(t.unshared, false)
    from jsonb_to_recordset(totals)
      as t (tenant_id text, day date, metric text, source text, count bigint, unshared boolean${column})
    where exists (select from public.tenants where tenants.id = t.tenant_id)${condition}
    order by 1, 2, 3, 4
    on conflict (tenant_id, day, metric, source)
      do update set count = excluded.count, unshared = excluded.unshared, updated_at = now()
      where u.count < excluded.count or (u.count = excluded.count and u.unshared and not excluded.unshared)${more}
  $$;`;

/** Rows with an agent are its share of the tenant's calls. Those that are known already are not locked. */
const ofAgents = `;
    insert into public.agent_calls as c (tenant_id, day, agent_id, source, count)
    select t.tenant_id, t.day, t.agent_id, t.source, t.count
    from jsonb_to_recordset(totals) as t (tenant_id text, day date, source text, count bigint, agent_id text)
    where t.agent_id is not null and exists (select from public.tenants where tenants.id = t.tenant_id)
      and not exists (
        select from public.agent_calls k
        where (k.tenant_id, k.day, k.agent_id, k.source) = (t.tenant_id, t.day, t.agent_id, t.source)
          and k.count >= t.count
      )
    order by 1, 2, 3, 4
    on conflict (tenant_id, day, agent_id, source)
      do update set count = excluded.count, updated_at = now() where c.count < excluded.count`;

/**
 * Closes the calls by agent of settled tenants, a part at a time and without the lock, because one tenant can have more
 * than Postgres moves in the time of a statement. A trigger keeps new ones out. Returns how many rows it has closed.
 */
const closeInParts = `
  create index agent_calls_day_idx on agent_calls (day, tenant_id);
  create function ${CLOSE.replace('integer', 'max integer')} returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  declare
    moved integer;
  begin
    with part as materialized (
      select c.* from public.settled_days d
      join public.agent_calls c on c.day = d.day and c.tenant_id <= d.settled_to
      limit max for update of c skip locked
    ), closed as (
      delete from public.agent_calls c using part p
      where (c.tenant_id, c.day, c.agent_id, c.source) = (p.tenant_id, p.day, p.agent_id, p.source)
    ), kept as (
      insert into public.agent_usage as a (tenant_id, agent_id, metric, day, count, last_at)
      select tenant_id, agent_id, 'api_calls', day, sum(count),
        least(max(updated_at), (day + 1)::timestamp at time zone 'UTC')
      from part group by tenant_id, agent_id, day order by 1, 2, 4
      on conflict (tenant_id, agent_id, metric, day)
        do update set count = a.count + excluded.count, last_at = greatest(a.last_at, excluded.last_at)
    )
    select count(*) into moved from part;
    return moved;
  end $$;`;

const allowed = (names: string): string => `
  alter table usage_events drop constraint usage_events_metric_check;
  alter table usage_events add constraint usage_events_metric_check check (metric in (${names}));`;

const writes = ['select', 'insert', 'update'] as const;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${caps}
    ${ownFunction(READ_CAPS, 'sentryagent_revoker')}
    ${calls}
    ${isolate('agent_calls')}
    grant select on agent_calls to sentryagent_app;
    ${writes.map((command) => allow(recorder, command, 'agent_calls') + allow(settler, command, 'agent_usage')).join('')}
    ${(['select', 'update', 'delete'] as const).map((command) => allow(settler, command, 'agent_calls')).join('')}
    ${allowed(`${metrics}, ${refused}`)}
    ${markLate(`in ('api_calls', ${refused})`)}
    ${recordUsage(', agent_id text', ' and t.agent_id is null', ofAgents)}
    ${closeInParts}
    ${ownFunction(CLOSE, settler)}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function ${CLOSE};
    ${recordUsage('', '', '')}
    ${markLate(`= 'api_calls'`)}
    ${asOwner('usage_events', `delete from usage_events where metric in (${refused})`)}
    ${allowed(metrics)}
    drop table agent_calls;
    drop function drop_late_calls();
    ${writes.map((command) => `drop policy ${settler}_${command} on agent_usage;`).join('')}
    revoke all on agent_usage from ${settler};
    drop function ${READ_CAPS};
    drop trigger follow_call_cap on agents;
    drop trigger follow_new_call_cap on agents;
    drop function follow_call_cap();
    alter table agents drop column call_cap, drop column call_cap_written_by;
  `);
};
