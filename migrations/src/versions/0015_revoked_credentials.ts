import type { Knex } from 'knex';
import { allow, isolate, ownFunction } from '../sql.ts';

const revoker = 'sentryagent_revoker';

/** As `revoked_tokens`: a credential that was revoked ends the tokens that it was used for. */
const table = `
  create table revoked_credentials (
    tenant_id text not null,
    credential_id text not null,
    expires_at timestamptz not null,
    written_by xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, credential_id),
    constraint revoked_credentials_credential_fkey foreign key (tenant_id, credential_id)
      references credentials (tenant_id, id)
  );
  create index revoked_credentials_written_by_idx on revoked_credentials (written_by);
  create trigger notify_token_feed after insert on revoked_credentials
    for each statement execute function notify_token_feed();`;

/**
 * Whatever revokes a credential ends its tokens. None lives longer than an hour, by a clock that may be ahead: the row
 * has done its work a minute after that.
 */
const followCredential = `
  create function follow_credential() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    insert into public.revoked_credentials (tenant_id, credential_id, expires_at)
    values (new.tenant_id, new.id, greatest(new.revoked_at, now()) + interval '61 minutes')
    on conflict (tenant_id, credential_id) do nothing;
    return new;
  end $$;
  create trigger follow_credential after update of revoked_at on credentials
    for each row when (old.revoked_at is null and new.revoked_at is not null)
    execute function follow_credential();`;

const feed = `
  create function read_revoked_credentials(since xid8) returns table (credential_id text, expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.credential_id, r.expires_at
    from public.revoked_credentials r where r.written_by >= since and r.expires_at > now()
  $$;`;

const tablesWithEnds = ['revoked_tokens', 'not_before_marks', 'revoked_credentials'];

const deleteEnded = (tables: string[]): string => `
  create or replace function delete_ended_revocations() returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    ${tables.map((name) => `delete from public.${name} where expires_at < now() - interval '1 minute'`).join(';\n    ')}
  $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${table}
    ${isolate('revoked_credentials')}
    ${(['select', 'insert', 'delete'] as const)
      .map((command) => allow(revoker, command, 'revoked_credentials'))
      .join('')}
    ${followCredential}
    ${ownFunction('follow_credential()', revoker)}
    revoke execute on function follow_credential() from sentryagent_app;
    ${feed}
    ${ownFunction('read_revoked_credentials(xid8)', revoker)}
    ${deleteEnded(tablesWithEnds)}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${deleteEnded(tablesWithEnds.slice(0, 2))}
    drop trigger follow_credential on credentials;
    drop function follow_credential(), read_revoked_credentials(xid8);
    drop table revoked_credentials;
  `);
};
