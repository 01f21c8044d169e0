import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction, secure } from '../sql.ts';

const observer = 'sentryagent_observer';

/** What one process has seen of a service, for the others. It has no history. */
const table = `
  create table service_probes (
    service text primary key,
    state text not null check (state in ('connected', 'degraded', 'disconnected')),
    latency_ms integer not null check (latency_ms >= 0),
    probed_at timestamptz not null default now()
  );`;

const functions = `
  create function record_probe(service text, state text, latency_ms integer) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.service_probes as p (service, state, latency_ms) values ($1, $2, $3)
    on conflict on constraint service_probes_pkey
      do update set state = excluded.state, latency_ms = excluded.latency_ms, probed_at = now()
  $$;
  create function read_probe(service text) returns setof service_probes
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select * from public.service_probes p where p.service = $1 and p.probed_at > now() - interval '1 minute'
  $$;
  create function stripe_event_delay() returns interval
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select now() - min(received_at) from public.stripe_events where settled_at is null
  $$;`;

const signatures = ['record_probe(text, text, integer)', 'read_probe(text)', 'stripe_event_delay()'];
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
