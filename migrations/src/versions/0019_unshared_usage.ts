import type { Knex } from 'knex';
import { ownFunction } from '../sql.ts';

const recorder = 'sentryagent_usage_recorder';

/**
 * A total is unshared until Redis knows it: a process counted it while Redis could not be reached. A total that comes
 * from Redis and is not smaller ends that. Processes of the version before say nothing: shared, as it was then.
 */
const recordUsage = `
  create or replace function record_usage(totals jsonb) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.usage_events as u (tenant_id, day, metric, source, count, unshared)
    select t.tenant_id, t.day, t.metric, t.source, t.count, coalesce(t.unshared, false)
    from jsonb_to_recordset(totals)
      as t (tenant_id text, day date, metric text, source text, count bigint, unshared boolean)
    where exists (select from public.tenants where tenants.id = t.tenant_id)
    order by 1, 2, 3, 4
    on conflict (tenant_id, day, metric, source)
      do update set count = excluded.count, unshared = excluded.unshared, updated_at = now()
      where u.count < excluded.count or (u.count = excluded.count and u.unshared and not excluded.unshared)
  $$;`;

const recordUsageBefore = `
  create or replace function record_usage(totals jsonb) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.usage_events as u (tenant_id, day, metric, source, count)
    select t.tenant_id, t.day, t.metric, t.source, t.count
    from jsonb_to_recordset(totals) as t (tenant_id text, day date, metric text, source text, count bigint)
    where exists (select from public.tenants where tenants.id = t.tenant_id)
    order by 1, 2, 3, 4
    on conflict (tenant_id, day, metric, source)
      do update set count = excluded.count, updated_at = now() where u.count < excluded.count
  $$;`;

/** The API calls of the given days of any tenants, by source. */
const readUsageDays = `
  create function read_usage_days(days jsonb) returns table (tenant_id text, day date, source text, count bigint)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.tenant_id, u.day, u.source, u.count
    from jsonb_to_recordset(days) as d (tenant_id text, day date)
    join public.usage_events u on u.tenant_id = d.tenant_id and u.day = d.day and u.metric = 'api_calls'
  $$;`;

/** Days of tenants that have something which Redis doesn't know, oldest first. */
const listUnsharedUsage = `
  create function list_unshared_usage(max integer) returns table (tenant_id text, day date)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select distinct u.tenant_id, u.day from public.usage_events u where u.unshared order by u.day, u.tenant_id limit max
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table usage_events add column unshared boolean not null default false;
    create index usage_events_unshared_idx on usage_events (day, tenant_id) where unshared;
    ${recordUsage}
    ${readUsageDays}
    ${ownFunction('read_usage_days(jsonb)', recorder)}
    ${listUnsharedUsage}
    ${ownFunction('list_unshared_usage(integer)', recorder)}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function list_unshared_usage(integer), read_usage_days(jsonb);
    ${recordUsageBefore}
    drop index usage_events_unshared_idx;
    alter table usage_events drop column unshared;
  `);
};
