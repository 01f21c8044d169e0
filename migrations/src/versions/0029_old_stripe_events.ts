import type { Knex } from 'knex';
import { allow, ownFunction } from '../sql.ts';

const housekeeper = 'sentryagent_housekeeper';

/** To lock a row asks for the right to update it. */
const commands = ['select', 'update', 'delete'] as const;

/**
 * Answers how many went. Stripe repeats a delivery for three days and lists events for thirty, so a repetition of one
 * that is gone cannot come. One that waits for Temporal is kept.
 */
const deleteOld = `
  create function delete_old_stripe_events(max integer) returns bigint
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with gone as (
      delete from public.stripe_events where ctid = any (array(
        select ctid from public.stripe_events
        where created_at < now() - interval '60 days' and settled_at is not null
        order by created_at limit max for update skip locked
      )) returning 1
    )
    select count(*) from gone
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${deleteOld}
    ${ownFunction('delete_old_stripe_events(integer)', housekeeper)}
    ${commands.map((command) => allow(housekeeper, command, 'stripe_events')).join('')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function delete_old_stripe_events(integer);
    ${commands.map((command) => `drop policy ${housekeeper}_${command} on stripe_events;`).join('')}
    revoke all on stripe_events from ${housekeeper};
  `);
};
