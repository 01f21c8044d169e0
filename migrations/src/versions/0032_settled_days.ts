import type { Knex } from 'knex';
import { allow, asOwner, createRole, dropRole, ownFunction, secure } from '../sql.ts';

const settler = 'sentryagent_usage_settler';
/** Their functions count. */
const writers = ['sentryagent_usage_recorder', 'sentryagent_auditor'];

const nextUnsettled = 'next_unsettled(integer)';
const settleUsage = 'settle_usage(date, text, text, boolean)';

/** Writers of counts share this lock until they commit. Settling takes it alone: no count is in between. */
const LOCK = 7_231_957;

/** A day is settled tenant by tenant, in the order of their ids. */
const days = `
  create table settled_days (
    day date primary key,
    settled_to text not null default '',
    settled_at timestamptz
  );
  ${secure('settled_days')}
  create index tenants_created_at_idx on tenants (created_at);
  alter table usage_events add column late boolean not null default false;`;

const noDays = `
  ${asOwner(
    'usage_events',
    `with late as (delete from usage_events where late returning *)
     insert into usage_events as u (tenant_id, day, metric, source, count, updated_at)
     select tenant_id, day, metric, substr(source, 1, length(source) - 5), count, updated_at from late
     on conflict (tenant_id, day, metric, source) do update set count = u.count + excluded.count`,
  )}
  alter table usage_events drop column late;
  drop index tenants_created_at_idx;
  drop table settled_days;`;

/**
 * A count of a settled day leaves the settled row as it is, and becomes a row of its own. API calls come as totals, so
 * their late row has what is more. Redis does not need it, so it is not unshared.
 */
const late = `
  create function mark_late() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    perform pg_advisory_xact_lock_shared(${LOCK});
    perform from public.settled_days d
    where d.day = new.day and (d.settled_at is not null or new.tenant_id <= d.settled_to);
    if not found then return new; end if;
    if new.metric = 'api_calls' then
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
  end $$;
  create trigger mark_late before insert on usage_events
    for each row when (new.metric <> 'active_agents') execute function mark_late();`;

/** A source has one total in Redis, so its late row is left out. */
const readUsageDays = (condition: string): string => `
  create or replace function read_usage_days(days jsonb)
  returns table (tenant_id text, day date, source text, count bigint)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.tenant_id, u.day, u.source, u.count
    from jsonb_to_recordset(days) as d (tenant_id text, day date)
    join public.usage_events u on u.tenant_id = d.tenant_id and u.day = d.day and u.metric = 'api_calls'${condition}
  $$;`;

/** The oldest day that has ended and is not settled, to which tenant it is, and the next tenants of it. */
const next = `
  create function next_unsettled(max integer) returns table (day date, settled_to text, tenant_ids text[])
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with clock as (
      select (now() at time zone 'UTC')::date as today
    ), oldest as (
      select d::date as day, coalesce(s.settled_to, '') as settled_to
      from clock
      cross join lateral (
        select (min(t.created_at) at time zone 'UTC')::date as day from public.tenants t
      ) as first
      cross join generate_series(
        greatest(first.day, clock.today - 366)::timestamp, (clock.today - 1)::timestamp, interval '1 day'
      ) as d
      left join public.settled_days s on s.day = d::date
      where s.settled_at is null
      order by 1 limit 1
    )
    select o.day, o.settled_to, array(
      select t.id from public.tenants t
      where t.id > o.settled_to and t.created_at < ((o.day + 1)::timestamp at time zone 'UTC')
      order by t.id limit max
    )
    from oldest o
  $$;`;

/**
 * Settles a day for the tenants after one id, up to another: counts the agents that were active when the day ended, and
 * makes counts from now on late. Returns false if another run has settled them. A writer that does not end keeps the
 * others from writing for a second at most.
 */
const settle = `
  create function settle_usage(settled_day date, after_id text, until_id text, is_last boolean) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
  declare
    day_end constant timestamptz := (settled_day + 1)::timestamp at time zone 'UTC';
  begin
    insert into public.usage_events (tenant_id, day, metric, source, count)
    select a.tenant_id, settled_day, 'active_agents', 'settled', count(*)
    from public.agents a
    where a.tenant_id > after_id and a.tenant_id <= until_id and a.created_at < day_end
      and (a.status <> 'decommissioned' or coalesce(a.decommissioned_at, a.updated_at) >= day_end)
    group by 1 order by 1
    on conflict do nothing;
    insert into public.settled_days (day) values (settled_day) on conflict do nothing;
    perform pg_advisory_xact_lock(${LOCK});
    update public.usage_events u set unshared = false
    where u.unshared and u.day = settled_day and u.tenant_id > after_id and u.tenant_id <= until_id;
    update public.settled_days d set settled_to = until_id, settled_at = case when is_last then now() end
    where d.day = settled_day and d.settled_to = after_id and d.settled_at is null;
    return found;
  end $$;`;

const commands = ['select', 'insert', 'update'] as const;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(settler)}
    ${days}
    ${late}
    ${readUsageDays(' and not u.late')}
    ${writers.map((role) => allow(role, 'select', 'settled_days')).join('')}
    ${next}
    ${ownFunction(nextUnsettled, settler)}
    ${settle}
    ${ownFunction(settleUsage, settler)}
    ${allow(settler, 'select', 'tenants')}
    ${allow(settler, 'select', 'agents')}
    ${commands.map((command) => allow(settler, command, 'usage_events') + allow(settler, command, 'settled_days')).join('')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function ${settleUsage}, ${nextUnsettled};
    drop function mark_late() cascade;
    ${readUsageDays('')}
    ${noDays}
    drop policy ${settler}_select on tenants;
    drop policy ${settler}_select on agents;
    ${commands.map((command) => `drop policy ${settler}_${command} on usage_events;`).join('')}
    revoke all on tenants, agents, usage_events from ${settler};
    revoke all on schema public from ${settler};
    ${dropRole(settler)}
  `);
};
