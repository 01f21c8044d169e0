import type { Knex } from 'knex';
import { allow, createRole, dropRole, isolate, ownFunction, secure } from '../sql.ts';

/**
 * `reading` numbers the looks at Stripe: one that began later has seen more, so an older one that comes in late
 * changes nothing.
 */
const tables = `
  alter table tenant_subscriptions
    add column subscription_id text,
    add column reading bigint not null default 0;
  create sequence stripe_readings;
  create table stripe_customers (
    tenant_id text primary key references tenants (id),
    customer_id text not null,
    created_at timestamptz not null default now(),
    constraint stripe_customers_customer_id_key unique (customer_id)
  );
  create table checkouts (
    tenant_id text not null references tenants (id),
    id text not null,
    status text not null default 'open' check (status in ('open', 'completed', 'expired')),
    session_id text,
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    closed_at timestamptz,
    primary key (tenant_id, id),
    constraint checkouts_id_key unique (id),
    check ((status = 'open') = (closed_at is null))
  );
  create unique index checkouts_open_key on checkouts (tenant_id) where status = 'open';
  create table stripe_events (
    id text primary key,
    type text not null,
    customer_id text,
    created_at timestamptz not null,
    received_at timestamptz not null default now(),
    settled_at timestamptz
  );
  create index stripe_events_pending_idx on stripe_events (received_at) where settled_at is null;
  create index stripe_events_created_at_idx on stripe_events (created_at);`;

/**
 * The inbox of Stripe's events. Whom an event is about is asked of our own mapping, and not of the event. The taken
 * rows stay locked until the caller's transaction ends, so two processes never work on one event at a time.
 */
const inbox = `
  create function store_stripe_event(event_id text, event_type text, customer text, created timestamptz)
  returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with stored as (
      insert into public.stripe_events (id, type, customer_id, created_at)
      values (event_id, event_type, customer, created)
      on conflict (id) do nothing returning 1
    )
    select exists (select from stored)
  $$;
  create function take_stripe_events(max integer)
  returns table (event_id text, tenant_id text, checkout_id text)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with taken as (
      select e.id, e.customer_id from public.stripe_events e
      where e.settled_at is null order by e.received_at limit max for update skip locked
    )
    select t.id, c.tenant_id, o.id
    from taken t
    left join public.stripe_customers c on c.customer_id = t.customer_id
    left join public.checkouts o on o.tenant_id = c.tenant_id and o.status = 'open'
  $$;
  create function settle_stripe_events(event_ids text[]) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.stripe_events set settled_at = now() where id = any (event_ids)
  $$;
  create function newest_stripe_event() returns timestamptz
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select max(created_at) from public.stripe_events
  $$;`;

const signatures = [
  'store_stripe_event(text, text, text, timestamptz)',
  'take_stripe_events(integer)',
  'settle_stripe_events(text[])',
  'newest_stripe_event()',
];
const role = 'sentryagent_stripe_inbox';

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(role)}
    ${tables}
    ${['stripe_customers', 'checkouts'].map(isolate).join('')}
    ${secure('stripe_events')}
    grant usage on sequence stripe_readings to sentryagent_app;
    grant select, insert, update (customer_id) on stripe_customers to sentryagent_app;
    grant select, insert, update on checkouts to sentryagent_app;
    ${inbox}
    ${signatures.map((signature) => ownFunction(signature, role)).join('')}
    ${(['select', 'insert', 'update'] as const).map((command) => allow(role, command, 'stripe_events')).join('')}
    ${allow(role, 'select', 'stripe_customers')}
    ${allow(role, 'select', 'checkouts')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function ${signatures.join(', ')};
    drop table stripe_events, checkouts, stripe_customers;
    drop sequence stripe_readings;
    alter table tenant_subscriptions drop column reading, drop column subscription_id;
    revoke all on schema public from ${role};
    ${dropRole(role)}
  `);
};
