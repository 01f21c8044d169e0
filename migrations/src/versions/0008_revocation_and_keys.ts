import type { Knex } from 'knex';
import { allow, createRole, dropRole, isolate, ownFunction } from '../sql.ts';

const revoker = 'sentryagent_revoker';
const keyAdmin = 'sentryagent_key_admin';

/**
 * `written_by` is the transaction that wrote the row. Who reads from the oldest transaction that was still running at
 * the last look misses no row, however late that one commits: a timestamp would.
 */
const tables = `
  create table revoked_tokens (
    tenant_id text not null references tenants (id),
    jti text not null,
    expires_at timestamptz not null,
    written_by xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, jti)
  );
  create index revoked_tokens_written_by_idx on revoked_tokens (written_by);
  create table not_before_marks (
    tenant_id text not null,
    agent_id text not null,
    not_before timestamptz not null,
    refused boolean not null,
    expires_at timestamptz not null,
    written_by xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, agent_id),
    constraint not_before_marks_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
  );
  create index not_before_marks_written_by_idx on not_before_marks (written_by);`;

/**
 * No token lives longer than an hour, so a mark has done its work a minute after that. Runs as its caller: the
 * application marks agents of its own tenant alone.
 */
const markNotBefore = `
  create function mark_not_before(tenant_id text, agent_id text, at timestamptz, refused boolean) returns void
  language sql set search_path = pg_catalog, pg_temp as $$
    insert into public.not_before_marks as m (tenant_id, agent_id, not_before, refused, expires_at)
    values ($1, $2, $3, coalesce($4, false), $3 + interval '61 minutes')
    on conflict (tenant_id, agent_id) do update set
      not_before = greatest(m.not_before, excluded.not_before),
      refused = coalesce($4, m.refused),
      expires_at = greatest(m.expires_at, excluded.expires_at),
      written_by = pg_current_xact_id()
  $$;`;

/**
 * Whatever changes an agent's status ends its tokens: all of them while it is not active, and those from before when
 * it is again. The time is that of the change, by the clock that also dates the tokens.
 */
const followStatus = `
  create function follow_agent_status() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    perform public.mark_not_before(new.tenant_id, new.id,
      case when new.updated_at > old.updated_at then new.updated_at else clock_timestamp() end,
      new.status <> 'active');
    return new;
  end $$;
  create trigger follow_agent_status after update of status on agents
    for each row when (old.status is distinct from new.status) execute function follow_agent_status();`;

const feed = `
  create function read_revoked_tokens(since xid8) returns table (jti text, expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.jti, r.expires_at from public.revoked_tokens r where r.written_by >= since and r.expires_at > now()
  $$;
  create function read_not_before_marks(since xid8)
  returns table (agent_id text, not_before timestamptz, refused boolean, expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select m.agent_id, m.not_before, m.refused, m.expires_at
    from public.not_before_marks m where m.written_by >= since and m.expires_at > now()
  $$;
  create function delete_ended_revocations() returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from public.revoked_tokens where expires_at < now() - interval '1 minute';
    delete from public.not_before_marks where expires_at < now() - interval '1 minute'
  $$;
  create function notify_token_feed() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    perform pg_notify('sentryagent_token_feed', '');
    return null;
  end $$;
  ${['revoked_tokens', 'not_before_marks', 'signing_keys']
    .map(
      (table) => `
  create trigger notify_token_feed after insert or update on ${table}
    for each statement execute function notify_token_feed();`,
    )
    .join('')}`;

/** A key that has signed its last token needs its public half alone. */
const stagedKeys = `
  create unique index signing_keys_next_key on signing_keys (status) where status = 'next';
  alter table signing_keys add since timestamptz not null default now();
  alter table signing_keys alter private_key drop not null;
  alter table signing_keys add constraint signing_keys_private_key_check
    check ((private_key is not null) = (status in ('next', 'current')));
  create function add_signing_key(kid text, status text, public_jwk jsonb, private_key text, at timestamptz)
  returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.signing_keys (kid, status, algorithm, public_jwk, private_key, created_at, since)
    values ($1, $2, 'ES256', $3, $4, $5, $5)
  $$;
  create function move_signing_key(kid text, status text, at timestamptz) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.signing_keys k set status = $2, since = $3,
      private_key = case when $2 = 'current' then k.private_key end
    where k.kid = $1
  $$;
  drop function add_first_signing_key(text, text, jsonb, text);`;

const ADD_KEY = 'add_signing_key(text, text, jsonb, text, timestamptz)';
const MOVE_KEY = 'move_signing_key(text, text, timestamptz)';
const MARK = 'mark_not_before(text, text, timestamptz, boolean)';

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${createRole(revoker)}
    ${tables}
    ${isolate('revoked_tokens')}
    ${isolate('not_before_marks')}
    grant select, insert on revoked_tokens to sentryagent_app;
    grant select, insert, update on not_before_marks to sentryagent_app;
    ${(['select', 'insert', 'update', 'delete'] as const)
      .map((command) => allow(revoker, command, 'not_before_marks'))
      .join('')}
    ${allow(revoker, 'select', 'revoked_tokens')}
    ${allow(revoker, 'delete', 'revoked_tokens')}
    ${markNotBefore}
    revoke all on function ${MARK} from public;
    grant execute on function ${MARK} to sentryagent_app, ${revoker};
    ${followStatus}
    ${ownFunction('follow_agent_status()', revoker)}
    revoke execute on function follow_agent_status() from sentryagent_app;
    ${feed}
    ${ownFunction('read_revoked_tokens(xid8)', revoker)}
    ${ownFunction('read_not_before_marks(xid8)', revoker)}
    ${ownFunction('delete_ended_revocations()', revoker)}
    ${stagedKeys}
    ${ownFunction(ADD_KEY, keyAdmin)}
    ${ownFunction(MOVE_KEY, keyAdmin)}
    ${allow(keyAdmin, 'update', 'signing_keys')}
  `);
};

/** The version before knows one key that signs: a second one, or one without its private half, it can't read. */
const oneKey = `
  alter table signing_keys no force row level security;
  delete from signing_keys where status <> 'current';
  alter table signing_keys force row level security;
  drop index signing_keys_next_key;
  alter table signing_keys drop constraint signing_keys_private_key_check;
  alter table signing_keys alter private_key set not null;
  alter table signing_keys drop since;
  create function add_first_signing_key(kid text, algorithm text, public_jwk jsonb, private_key text) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.signing_keys (kid, status, algorithm, public_jwk, private_key)
    values (kid, 'current', algorithm, public_jwk, private_key)
    on conflict (status) where status = 'current' do nothing
  $$;`;

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop trigger notify_token_feed on signing_keys;
    drop trigger follow_agent_status on agents;
    drop function follow_agent_status(), read_revoked_tokens(xid8), read_not_before_marks(xid8),
      delete_ended_revocations(), ${MARK}, ${ADD_KEY}, ${MOVE_KEY};
    drop table not_before_marks, revoked_tokens;
    drop function notify_token_feed();
    drop policy ${keyAdmin}_update on signing_keys;
    revoke update on signing_keys from ${keyAdmin};
    ${oneKey}
    ${ownFunction('add_first_signing_key(text, text, jsonb, text)', keyAdmin)}
    revoke all on schema public from ${revoker};
    ${dropRole(revoker)}
  `);
};
