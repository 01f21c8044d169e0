import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction } from '../sql.ts';

const counter = 'sentryagent_sealed_counter';
const tables = ['signing_keys', 'idempotency_keys', 'mails'];

/** What each encryption key still protects: values that may yet be decrypted. The part before the first dot names the key. */
const countSealed = `
  create function count_sealed() returns table (key_id text, what text, count bigint)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select split_part(v.sealed, '.', 1), v.what, count(*)
    from (
      select 'signing keys', private_key from public.signing_keys
      union all
      select 'stored responses', answer from public.idempotency_keys where answer_until > now()
      union all
      select 'mails', data ->> 'sealed' from public.mails where sent_at is null and next_attempt_at < 'infinity'
    ) as v (what, sealed)
    where v.sealed is not null
    group by 1, 2
    order by 1, 2
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(counter)}
    ${countSealed}
    ${ownFunction('count_sealed()', counter)}
    ${tables.map((table) => allow(counter, 'select', table)).join('')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function count_sealed();
    ${tables.map((table) => `drop policy ${counter}_select on ${table}; revoke all on ${table} from ${counter};`).join('')}
    revoke all on schema public from ${counter};
    ${dropRole(counter)}
  `);
};
