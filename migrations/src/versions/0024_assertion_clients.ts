import type { Knex } from 'knex';
import { asOwner } from '../sql.ts';

const keeper = 'sentryagent_assertion_keeper';

/**
 * Answers who was first to use an assertion; its other users are left out. Each call takes away some that have expired,
 * so the table needs no keeper of its own. The ten minutes are for clocks that differ: what the API takes for live is
 * never forgotten. Uses come with their credential, from processes of either version.
 */
const useAssertions = (body: { owner: string; insert: string }): string => `
  create or replace function use_assertions(uses jsonb) returns setof text
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    delete from public.assertion_uses a using (
      select e.tenant_id, e.${body.owner}, e.jti from public.assertion_uses e
      where e.expires_at < now() - interval '10 minutes'
      limit 2 * jsonb_array_length(uses) for update skip locked
    ) as expired
    where (a.tenant_id, a.${body.owner}, a.jti) = (expired.tenant_id, expired.${body.owner}, expired.jti);

    return query
    ${body.insert}
    order by 1, 2, 3
    on conflict do nothing
    returning a.used_by;
  end $$;`;

const byCredential = useAssertions({
  owner: 'credential_id',
  insert: `insert into public.assertion_uses as a (tenant_id, credential_id, jti, used_by, expires_at)
    select u.tenant_id, u.credential_id, u.jti, u.used_by, u.expires_at
    from jsonb_populate_recordset(null::public.assertion_uses, uses) as u`,
});

const byClient = useAssertions({
  owner: 'agent_id',
  insert: `insert into public.assertion_uses as a (tenant_id, agent_id, jti, credential_id, used_by, expires_at)
    select u.tenant_id, c.agent_id, u.jti, u.credential_id, u.used_by, u.expires_at
    from jsonb_populate_recordset(null::public.assertion_uses, uses) as u
    join public.credentials c on c.tenant_id = u.tenant_id and c.id = u.credential_id`,
});

/**
 * Of two uses of one `jti`, which by now are one, the later end counts. There is no foreign key to agents: its check, made
 * under the audit head, would wait for whoever holds the agent's row and waits for the head.
 */
const namedByClient = `
  ${asOwner(
    'credentials',
    asOwner(
      'assertion_uses',
      `update assertion_uses a set agent_id = c.agent_id
       from credentials c where c.tenant_id = a.tenant_id and c.id = a.credential_id;
     delete from assertion_uses a using assertion_uses b
     where (a.tenant_id, a.agent_id, a.jti) = (b.tenant_id, b.agent_id, b.jti)
       and (a.expires_at, a.credential_id) < (b.expires_at, b.credential_id)`,
    ),
  )}
  alter table assertion_uses
    alter column agent_id set not null,
    drop constraint assertion_uses_pkey,
    add primary key (tenant_id, agent_id, jti);`;

/** A key that was revoked and added again is another credential of the same client, whose `jti` (RFC 7523) is used once. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table assertion_uses add column agent_id text;
    ${namedByClient}
    grant select (tenant_id, id, agent_id) on credentials to ${keeper};
    create policy ${keeper}_select on credentials for select to ${keeper} using (true);
    ${byClient}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${byCredential}
    drop policy ${keeper}_select on credentials;
    revoke select (tenant_id, id, agent_id) on credentials from ${keeper};
    alter table assertion_uses
      drop constraint assertion_uses_pkey,
      drop column agent_id,
      add primary key (tenant_id, credential_id, jti);
  `);
};
