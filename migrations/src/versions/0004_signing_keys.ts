import type { Knex } from 'knex';
import { allow, createRole, dropRole, ownFunction, secure } from '../sql.ts';

const keyAdmin = 'sentryagent_key_admin';

const table = `
  create table signing_keys (
    kid text primary key,
    status text not null check (status in ('next', 'current', 'previous', 'gone')),
    algorithm text not null check (algorithm = 'ES256'),
    public_jwk jsonb not null,
    private_key text not null,
    created_at timestamptz not null default now()
  );
  create unique index signing_keys_current_key on signing_keys (status) where status = 'current';`;

/** Two processes may both find an empty table: the unique index lets one first key in. */
const functions = `
  create function read_signing_keys() returns setof signing_keys
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select * from public.signing_keys where status <> 'gone' order by created_at
  $$;
  create function add_first_signing_key(kid text, algorithm text, public_jwk jsonb, private_key text) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.signing_keys (kid, status, algorithm, public_jwk, private_key)
    values (kid, 'current', algorithm, public_jwk, private_key)
    on conflict (status) where status = 'current' do nothing
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(keyAdmin)}
    ${table}
    ${secure('signing_keys')}
    ${functions}
    ${ownFunction('read_signing_keys()', keyAdmin)}
    ${ownFunction('add_first_signing_key(text, text, jsonb, text)', keyAdmin)}
    ${allow(keyAdmin, 'select', 'signing_keys')}
    ${allow(keyAdmin, 'insert', 'signing_keys')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function add_first_signing_key(text, text, jsonb, text), read_signing_keys();
    drop table signing_keys;
    revoke all on schema public from ${keyAdmin};
    ${dropRole(keyAdmin)}
  `);
};
