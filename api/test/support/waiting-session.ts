import pg from 'pg';
import { until } from '../../../dev/test/support/until.ts';
import type { TestApi } from './api.ts';
import type { Reply } from './callers.ts';
import { adminUrl } from './servers.ts';

const LOCK = 4_711;

/** Runs `meanwhile` when the request `start` is about to store a session of the user. Returns the request's response. */
export const beforeSessionIsStored = async (
  api: TestApi,
  userId: string,
  { start, meanwhile }: { start: () => Promise<Reply>; meanwhile: () => Promise<unknown> },
): Promise<Reply> => {
  const holder = new pg.Client({ connectionString: adminUrl(api.database) });
  await holder.connect();
  try {
    await holder.query(`
      create function wait_for_test() returns trigger language plpgsql as $$ begin
        if new.user_id = '${userId}' then perform pg_advisory_xact_lock_shared(${LOCK}); end if; return new; end $$;
      create trigger wait_for_test before insert on sessions for each row execute function wait_for_test();
      select pg_advisory_lock(${LOCK})`);
    const started = start();
    await until('a session waits to be stored', async () => {
      const { rowCount } = await holder.query(
        `select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted
         and database = (select oid from pg_database where datname = current_database())`,
      );
      return rowCount === 1;
    });
    await meanwhile();
    await holder.query(`select pg_advisory_unlock(${LOCK})`);
    return await started;
  } finally {
    await holder.query(`select pg_advisory_unlock_all(); drop function wait_for_test cascade`);
    await holder.end();
  }
};
