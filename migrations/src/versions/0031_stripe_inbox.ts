import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction } from '../sql.ts';

const inbox = 'sentryagent_stripe_inbox';
const reconciler = 'sentryagent_reconciler';

/** Of the content of an event: ids and an amount, for the audit log. A lease keeps an event for one process. */
const columns = `
  alter table stripe_events
    add column object_id text,
    add column metadata_tenant_id text,
    add column charge_id text,
    add column payment_intent_id text,
    add column amount bigint,
    add column currency text,
    add column leased_until timestamptz,
    add column quarantined_because text
      check (quarantined_because in ('unknown_customer', 'metadata_of_other_tenant')),
    add constraint stripe_events_quarantined_check check (quarantined_because is null or settled_at is not null);
  create index stripe_events_quarantined_idx on stripe_events (created_at) where quarantined_because is not null;`;

const functions = `
  create function keep_stripe_event(event jsonb) returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with stored as (
      insert into public.stripe_events (id, type, customer_id, created_at, object_id, metadata_tenant_id, charge_id,
        payment_intent_id, amount, currency)
      select * from jsonb_to_record(event) as e (id text, type text, customer_id text, created_at timestamptz,
        object_id text, metadata_tenant_id text, charge_id text, payment_intent_id text, amount bigint, currency text)
      on conflict (id) do nothing returning 1
    )
    select exists (select from stored)
  $$;
  create function claim_stripe_events(max integer, seconds integer)
  returns table (event_id text, type text, customer_id text, object_id text, metadata_tenant_id text, charge_id text,
    payment_intent_id text, amount bigint, currency text, tenant_id text, checkout_id text)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with claimed as (
      update public.stripe_events e set leased_until = now() + make_interval(secs => seconds)
      where e.id in (
        select p.id from public.stripe_events p
        where p.settled_at is null and (p.leased_until is null or p.leased_until <= now())
        order by p.received_at limit max for update skip locked
      )
      returning e.*
    )
    select k.id, k.type, k.customer_id, k.object_id, k.metadata_tenant_id, k.charge_id, k.payment_intent_id,
      k.amount, k.currency, c.tenant_id, o.id
    from claimed k
    left join public.stripe_customers c on c.customer_id = k.customer_id
    left join public.checkouts o on o.tenant_id = c.tenant_id and o.status in ('open', 'processing')
  $$;
  create function finish_stripe_events(event_ids text[], quarantine text) returns setof text
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.stripe_events set settled_at = now(), quarantined_because = quarantine
    where id = any (event_ids) and settled_at is null returning id
  $$;
  create function list_quarantined_events(max integer)
  returns table (event_id text, type text, customer_id text, metadata_tenant_id text, quarantined_because text,
    created_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select id, type, customer_id, metadata_tenant_id, quarantined_because, created_at from public.stripe_events
    where quarantined_because is not null order by created_at desc limit max
  $$;
  create function find_stripe_tenants(customer_ids text[]) returns table (customer_id text, tenant_id text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.customer_id, c.tenant_id from public.stripe_customers c where c.customer_id = any (customer_ids)
  $$;
  create function list_paid_tenants(after_id text, max integer)
  returns table (tenant_id text, customer_id text, subscription_id text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.tenant_id, c.customer_id, s.subscription_id
    from public.tenant_subscriptions s left join public.stripe_customers c on c.tenant_id = s.tenant_id
    where s.tenant_id > after_id and s.tier <> 'free' order by s.tenant_id limit max
  $$;`;

const owners: [string, string][] = [
  ['keep_stripe_event(jsonb)', inbox],
  ['claim_stripe_events(integer, integer)', inbox],
  ['finish_stripe_events(text[], text)', inbox],
  ['list_quarantined_events(integer)', inbox],
  ['find_stripe_tenants(text[])', reconciler],
  ['list_paid_tenants(text, integer)', reconciler],
];

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(reconciler)}
    ${columns}
    create index tenant_subscriptions_paid_idx on tenant_subscriptions (tenant_id) where tier <> 'free';
    ${functions}
    ${owners.map(([signature, role]) => ownFunction(signature, role)).join('')}
    ${allow(reconciler, 'select', 'stripe_customers')}
    ${allow(reconciler, 'select', 'tenant_subscriptions')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop policy ${reconciler}_select on tenant_subscriptions;
    drop policy ${reconciler}_select on stripe_customers;
    revoke all on tenant_subscriptions, stripe_customers from ${reconciler};
    drop function ${owners.map(([signature]) => signature).join(', ')};
    drop index tenant_subscriptions_paid_idx;
    alter table stripe_events
      drop column object_id, drop column metadata_tenant_id, drop column charge_id, drop column payment_intent_id,
      drop column amount, drop column currency, drop column leased_until, drop column quarantined_because;
    revoke all on schema public from ${reconciler};
    ${dropRole(reconciler)}
  `);
};
