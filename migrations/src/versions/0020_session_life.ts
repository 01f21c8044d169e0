import type { Knex } from 'knex';
import { asOwner } from '../sql.ts';

/** In hours: in the time zone of a connection a day may have 23 or 25. */
const LIFE = `interval '720 hours'`;

/** Whatever renews a session, and however often: 30 days after sign-in it has ended for every reader of `expires_at`. */
const endSessions = `
  create function end_session_in_time() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    new.expires_at := least(new.expires_at, new.created_at + ${LIFE});
    return new;
  end $$;
  create trigger end_session_in_time before insert or update of expires_at, created_at on sessions
    for each row execute function end_session_in_time();`;

const endOldSessions = asOwner(
  'sessions',
  `update sessions set expires_at = created_at + ${LIFE} where expires_at > created_at + ${LIFE}`,
);

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`${endSessions} ${endOldSessions}`);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop trigger end_session_in_time on sessions;
    drop function end_session_in_time();
  `);
};
