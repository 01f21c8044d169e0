import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction, secure } from '../sql.ts';

const observer = 'sentryagent_observer';

/** What one process has seen of a service, for the others. It has no history. */
const table = `
  create table service_probes (
    service text primary key,
    status text not null check (status in ('healthy', 'degraded', 'unreachable')),
    latency_ms integer not null check (latency_ms >= 0),
    probed_at timestamptz not null default now()
  );`;

const functions = `
  create function record_probe(service text, status text, latency_ms integer) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.service_probes as p (service, status, latency_ms) values ($1, $2, $3)
    on conflict on constraint service_probes_pkey
      do update set status = excluded.status, latency_ms = excluded.latency_ms, probed_at = now()
  $$;
  create function read_probe(service text) returns setof service_probes
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select * from public.service_probes p where p.service = $1 and p.probed_at > now() - interval '1 minute'
  $$;
  create function stripe_backlog() returns table (pending integer, oldest_seconds integer)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select count(*)::integer, coalesce(extract(epoch from now() - min(received_at)), 0)::integer
    from public.stripe_events where settled_at is null
  $$;`;

const signatures = ['record_probe(text, text, integer)', 'read_probe(text)', 'stripe_backlog()'];
const commands = ['select', 'insert', 'update'] as const;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(observer)}
    ${table}
    ${secure('service_probes')}
    ${functions}
    ${signatures.map((signature) => ownFunction(signature, observer)).join('')}
    ${commands.map((command) => allow(observer, command, 'service_probes')).join('')}
    ${allow(observer, 'select', 'stripe_events')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop policy ${observer}_select on stripe_events;
    revoke all on stripe_events from ${observer};
    drop function ${signatures.join(', ')};
    drop table service_probes;
    revoke all on schema public from ${observer};
    ${dropRole(observer)}
  `);
};
