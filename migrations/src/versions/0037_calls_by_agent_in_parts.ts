import type { Knex } from 'knex';
import { allow, ownFunction } from '../sql.ts';

const settler = 'sentryagent_usage_settler';
const CLOSE = 'close_agent_calls(integer)';

/** Serializes settling and writers of counts, as in the migration that introduced settling. */
const LOCK = 7_231_957;

const settleUsage = (end: string): string => `
  create or replace function settle_usage(settled_day date, after_id text, until_id text, is_last boolean)
  returns boolean
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
    where d.day = settled_day and d.settled_to = after_id and d.settled_at is null;${end}
  end $$;`;

/** As before: closes the calls by agent under the lock. */
const closeCalls = `
    if not found then return false; end if;
    with closed as (
      delete from public.agent_calls c
      where c.day = settled_day and c.tenant_id > after_id and c.tenant_id <= until_id returning c.*
    )
    insert into public.agent_usage as a (tenant_id, agent_id, metric, day, count, last_at)
    select tenant_id, agent_id, 'api_calls', settled_day, sum(count), least(max(updated_at), day_end)
    from closed group by 1, 2 order by 1, 2
    on conflict (tenant_id, agent_id, metric, day)
      do update set count = a.count + excluded.count, last_at = greatest(a.last_at, excluded.last_at);
    return true;`;

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

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${settleUsage('\n    return found;')}
    ${closeInParts}
    ${ownFunction(CLOSE, settler)}
    ${allow(settler, 'update', 'agent_calls')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function ${CLOSE};
    drop policy ${settler}_update on agent_calls;
    revoke update on agent_calls from ${settler};
    drop index agent_calls_day_idx;
    ${settleUsage(closeCalls)}
  `);
};
