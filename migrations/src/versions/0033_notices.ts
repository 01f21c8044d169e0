import type { Knex } from 'knex';
import { allow, createRole, dropRole, isolate, ownFunction } from '../sql.ts';

const warner = 'sentryagent_usage_warner';
const tables = ['usage_events', 'tenant_subscriptions', 'notices'];

/** The day of a tenant's last warning about each threshold: one a UTC day, however often its usage is stored. */
const notices = `
  create table notices (
    tenant_id text not null references tenants (id),
    percent integer not null check (percent > 0),
    day date not null,
    primary key (tenant_id, percent)
  );
  ${isolate('notices')}
  grant select, insert, update on notices to sentryagent_app;`;

/** Which of these tenants have reached a threshold of their tier today, and have not been warned. */
const due = `
  create function find_usage_warnings(days jsonb, thresholds jsonb)
  returns table (tenant_id text, day date, tier text, percent integer)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.tenant_id, u.day, s.tier, t.percent
    from (
      select e.tenant_id, e.day, sum(e.count) as calls
      from jsonb_to_recordset(days) as d (tenant_id text, day date)
      join public.usage_events e on e.tenant_id = d.tenant_id and e.day = d.day and e.metric = 'api_calls'
      where d.day = (now() at time zone 'UTC')::date
      group by 1, 2
    ) as u
    join public.tenant_subscriptions s on s.tenant_id = u.tenant_id
    join jsonb_to_recordset(thresholds) as t (tier text, percent integer, calls bigint)
      on t.tier = s.tier and t.calls <= u.calls
    where not exists (
      select from public.notices n where n.tenant_id = u.tenant_id and n.percent = t.percent and n.day >= u.day
    )
    order by 1, 4
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(warner)}
    ${notices}
    ${due}
    ${ownFunction('find_usage_warnings(jsonb, jsonb)', warner)}
    ${tables.map((table) => allow(warner, 'select', table)).join('')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function find_usage_warnings(jsonb, jsonb);
    drop table notices;
    drop policy ${warner}_select on usage_events;
    drop policy ${warner}_select on tenant_subscriptions;
    revoke all on usage_events, tenant_subscriptions from ${warner};
    revoke all on schema public from ${warner};
    ${dropRole(warner)}
  `);
};
