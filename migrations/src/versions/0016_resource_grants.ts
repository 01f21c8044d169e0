import type { Knex } from 'knex';
import { allow, isolate, ownFunction } from '../sql.ts';

const finder = 'sentryagent_client_finder';
const revoker = 'sentryagent_revoker';

/** Which scopes of a resource an agent may get. No row, no scope. A grant never outlives its resource. */
const table = `
  create table agent_resource_grants (
    tenant_id text not null,
    agent_id text not null,
    resource_id text not null,
    scopes text[] not null check (cardinality(scopes) between 1 and 20),
    primary key (tenant_id, agent_id, resource_id),
    constraint agent_resource_grants_agent_fkey foreign key (tenant_id, agent_id)
      references agents (tenant_id, id),
    constraint agent_resource_grants_resource_fkey foreign key (tenant_id, resource_id)
      references resources (tenant_id, id) on delete cascade
  );
  create index agent_resource_grants_resource_idx on agent_resource_grants (tenant_id, resource_id);`;

/** The grants that are left of those that a group of tokens needs. */
const findGrants = `
  create function find_resource_grants(tenant_ids text[], agent_ids text[], resource_ids text[])
  returns table (agent_id text, resource_id text, scopes text[])
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select g.agent_id, g.resource_id, g.scopes
    from unnest(tenant_ids, agent_ids, resource_ids) as asked (tenant_id, agent_id, resource_id)
    join public.agent_resource_grants g using (tenant_id, agent_id, resource_id)
  $$;
  ${ownFunction('find_resource_grants(text[], text[], text[])', finder)}`;

/**
 * An agent that is granted less keeps no token that says more. The time is that of the agent's own change, where this
 * transaction has made one: it is by the clock that also dates the tokens.
 */
const followGrant = `
  create function follow_resource_grant() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    perform public.mark_not_before(a.tenant_id, a.id,
      case when a.xmin = pg_current_xact_id()::xid then a.updated_at else clock_timestamp() end, null)
    from public.agents a where a.tenant_id = old.tenant_id and a.id = old.agent_id;
    return null;
  end $$;
  ${ownFunction('follow_resource_grant()', revoker)}
  revoke execute on function follow_resource_grant() from sentryagent_app;
  create trigger follow_narrowed_grant after update on agent_resource_grants for each row
    when (not old.scopes <@ new.scopes) execute function follow_resource_grant();
  create trigger follow_ended_grant after delete on agent_resource_grants for each row
    execute function follow_resource_grant();`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${table}
    ${isolate('agent_resource_grants')}
    grant select, insert, delete, update (scopes) on agent_resource_grants to sentryagent_app;
    ${allow(finder, 'select', 'agent_resource_grants')}
    ${findGrants}
    ${allow(revoker, 'select', 'agents')}
    ${followGrant}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop table agent_resource_grants;
    drop function find_resource_grants(text[], text[], text[]), follow_resource_grant();
    drop policy ${revoker}_select on agents;
    revoke select on agents from ${revoker};
  `);
};
