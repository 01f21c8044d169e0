import type { Knex } from 'knex';
import { ownFunction } from '../sql.ts';

/**
 * The keys of one client, ended ones too, so that whoever holds an expired key can be told. Ended keys pile up and
 * each costs the check of a signature: live ones come first, and those beyond 20 are left out. find_client_keys stays
 * for processes of the version before, which take each key that it answers for a live one.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create function find_keys_of_client(client_id text)
    returns table (tenant_id text, credential_id text, algorithm text, public_jwk jsonb, thumbprint text,
      scopes text[], enabled boolean, expires_at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
      select c.tenant_id, c.id, c.algorithm, c.public_jwk, c.thumbprint, a.scopes, public.client_is_enabled(a, c),
        c.expires_at
      from public.credentials c
      join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
      where a.id = client_id and c.kind = 'key'
      order by public.client_is_live(a, c) desc, public.client_is_enabled(a, c) desc, c.created_at desc
      limit 20
    $$;
    ${ownFunction('find_keys_of_client(text)', 'sentryagent_client_finder')}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop function find_keys_of_client(text)');
};
