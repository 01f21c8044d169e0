import type { Knex } from 'knex';
import { asOwner, ownFunction } from '../sql.ts';

/** What the page of the subscription shows. The card is only what Stripe prints on invoices. */
const subscriptions = `
  alter table tenant_subscriptions
    add column grace_ends_at timestamptz,
    add column is_cancelling boolean not null default false,
    add column next_amount bigint,
    add column next_currency text,
    add column card_brand text,
    add column card_last4 text,
    add column card_exp_month integer,
    add column card_exp_year integer,
    add constraint tenant_subscriptions_next_check check ((next_amount is null) = (next_currency is null)),
    add constraint tenant_subscriptions_card_check
      check (num_nulls(card_brand, card_last4, card_exp_month, card_exp_year) in (0, 4)),
    drop constraint tenant_subscriptions_status_check,
    add constraint tenant_subscriptions_status_check
      check (status in ('active', 'trial', 'past_due', 'payment_failed', 'paused', 'cancelled'));`;

const noSubscriptions = `
  ${asOwner('tenant_subscriptions', `update tenant_subscriptions set status = 'cancelled' where status in ('payment_failed', 'paused')`)}
  alter table tenant_subscriptions
    drop constraint tenant_subscriptions_status_check,
    add constraint tenant_subscriptions_status_check
      check (status in ('active', 'trial', 'past_due', 'cancelled')),
    drop column grace_ends_at, drop column is_cancelling, drop column next_amount, drop column next_currency,
    drop column card_brand, drop column card_last4, drop column card_exp_month, drop column card_exp_year;`;

/** Before a payment of an earlier checkout is settled, a tenant must not buy again. */
const checkouts = (unfinished: string, statuses: string): string => `
  alter table checkouts
    drop constraint checkouts_status_check,
    drop constraint checkouts_check,
    add constraint checkouts_status_check check (status in (${statuses})),
    add constraint checkouts_check check ((status in (${unfinished})) = (closed_at is null));
  drop index checkouts_open_key;
  create unique index checkouts_open_key on checkouts (tenant_id) where status in (${unfinished});
  drop trigger keep_checkout_closed on checkouts;
  create trigger keep_checkout_closed before update on checkouts
    for each row when (old.status not in (${unfinished}) and new.status is distinct from old.status)
    execute function keep_checkout_closed();`;

const finishCheckouts = asOwner(
  'checkouts',
  `alter table checkouts disable trigger keep_checkout_closed;
   update checkouts set status = case status when 'processing' then 'open' else 'expired' end
     where status in ('processing', 'failed');
   alter table checkouts enable trigger keep_checkout_closed`,
);

/** Any owner of the transaction's own tenant: for mails of fixed text about a payment, and for the address at Stripe. */
const payers = `
  create function tenant_payers() returns table (user_id text, email text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.id, u.email from public.members m join public.users u on u.id = m.user_id
    where m.tenant_id = current_setting('app.tenant_id', true) and m.role = 'owner'
    order by u.id limit 20
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${subscriptions}
    ${checkouts(`'open', 'processing'`, `'open', 'processing', 'completed', 'failed', 'expired'`)}
    alter table checkouts add column return_to text check (return_to ~ '^/([^/\\\\]|$)');
    ${payers}
    ${ownFunction('tenant_payers()', 'sentryagent_owner_finder')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function tenant_payers();
    alter table checkouts drop column return_to;
    ${finishCheckouts}
    ${checkouts(`'open'`, `'open', 'completed', 'expired'`)}
    ${noSubscriptions}
  `);
};
