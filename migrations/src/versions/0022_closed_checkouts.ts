import type { Knex } from 'knex';

/** A closed checkout was paid for or given up: one that opened again could be sold a second time. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create function keep_checkout_closed() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
      raise exception 'checkout % is closed as %', old.id, old.status using errcode = 'check_violation';
    end $$;
    create trigger keep_checkout_closed before update on checkouts
      for each row when (old.status <> 'open' and new.status is distinct from old.status)
      execute function keep_checkout_closed();
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop trigger keep_checkout_closed on checkouts;
    drop function keep_checkout_closed();
  `);
};
