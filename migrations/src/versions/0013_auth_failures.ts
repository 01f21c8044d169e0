import type { Knex } from 'knex';
import { isolate, ownFunction } from '../sql.ts';

/** When a refusal of a client last became an entry, by reason: all processes share one entry a minute. */
const table = `
  create table auth_failures (
    tenant_id text not null,
    agent_id text not null,
    reason text not null,
    recorded_at timestamptz not null,
    primary key (tenant_id, agent_id, reason),
    constraint auth_failures_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
  );`;

/** Those of the refused that are known, by their place in what was asked, and what of them has ended. */
const findRefused = `
  create function find_refused_clients(client_ids text[], credential_ids text[])
  returns table (place bigint, tenant_id text, ended text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select asked.place, a.tenant_id,
      case
        when a.status <> 'active' then a.status
        when c.revoked_at is not null then 'revoked'
        when c.expires_at <= now() then 'expired'
      end
    from unnest(client_ids, credential_ids) with ordinality as asked (client_id, credential_id, place)
    join public.agents a on a.id = asked.client_id
    left join public.credentials c
      on c.id = asked.credential_id and c.tenant_id = a.tenant_id and c.agent_id = a.id
    order by asked.place
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${table}
    ${isolate('auth_failures')}
    grant select, insert, update on auth_failures to sentryagent_app;
    ${findRefused}
    ${ownFunction('find_refused_clients(text[], text[])', 'sentryagent_client_finder')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function find_refused_clients(text[], text[]);
    drop table auth_failures;
  `);
};
