import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction } from '../sql.ts';

const housekeeper = 'sentryagent_housekeeper';

/** Whose rows are of use to nobody after their `expires_at`. */
const tables = ['idempotency_keys', 'assertion_uses', 'sessions', 'verifications'];

/** To lock a row asks for the right to update it. */
const commands = ['select', 'update', 'delete'] as const;

/** `assertion_uses` has its index already. */
const indexed = tables.filter((table) => table !== 'assertion_uses');

/**
 * Answers how many went of each table: at most that many, so that no batch takes long; one that somebody holds is left for the next
 * time. The ten minutes are for clocks that differ: what the API takes for live is never deleted.
 */
const deleteExpired = `
  create function delete_expired(max integer) returns setof bigint
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    with ${tables
      .map(
        (table) => `gone_${table} as (
      delete from public.${table} where ctid = any (array(
        select ctid from public.${table} where expires_at < now() - interval '10 minutes'
        order by expires_at limit max for update skip locked
      )) returning 1
    )`,
      )
      .join(', ')}
    ${tables.map((table) => `select count(*) from gone_${table}`).join(' union all ')}
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(housekeeper)}
    ${indexed.map((table) => `create index ${table}_expired_idx on ${table} (expires_at);`).join('')}
    ${deleteExpired}
    ${ownFunction('delete_expired(integer)', housekeeper)}
    ${tables.flatMap((table) => commands.map((command) => allow(housekeeper, command, table))).join('')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function delete_expired(integer);
    ${indexed.map((table) => `drop index ${table}_expired_idx;`).join('')}
    ${tables
      .map(
        (table) => `
    ${commands.map((command) => `drop policy ${housekeeper}_${command} on ${table};`).join('')}
    revoke all on ${table} from ${housekeeper};`,
      )
      .join('')}
    revoke all on schema public from ${housekeeper};
    ${dropRole(housekeeper)}
  `);
};
