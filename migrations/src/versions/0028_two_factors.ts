import type { Knex } from 'knex';
import { allow, ownFunction, secure } from '../sql.ts';

const counter = 'sentryagent_sealed_counter';
const tables = ['two_factors', 'sign_in_challenges'];

/**
 * The key of a person's authenticator app is encrypted, recovery codes and the token of a waiting sign-in are hashed.
 * `last_step` is the newest time step whose code was used: only a newer one counts, so a code works once. One row has all
 * that can be used up, so its lock decides every race.
 */
const secondFactors = `
  create table two_factors (
    user_id text primary key references users (id) on delete cascade,
    sealed_secret text not null,
    created_at timestamptz not null default now(),
    confirmed_at timestamptz,
    last_step bigint,
    recovery_hashes bytea[] not null default '{}',
    constraint two_factors_last_step_check check ((confirmed_at is null) = (last_step is null))
  );
  create table sign_in_challenges (
    token_hash bytea primary key,
    user_id text not null references two_factors (user_id) on delete cascade,
    attempts integer not null default 0,
    expires_at timestamptz not null,
    constraint sign_in_challenges_attempts_check check (attempts between 0 and 5)
  );
  create index sign_in_challenges_user_id_idx on sign_in_challenges (user_id);`;

const authOnly = (table: string): string => `
  ${secure(table)}
  grant select, insert, update, delete on ${table} to sentryagent_auth;
  create policy people on ${table} to sentryagent_auth using (true) with check (true);`;

/** A sign-in that waits for its code was begun with a password. It ends with that password, whoever replaces it. */
const endChallenges = `
  create function end_challenges() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  begin
    delete from public.sign_in_challenges where user_id = new.user_id;
    return null;
  end $$;
  create trigger end_challenges after update of password on accounts
    for each row when (old.password is distinct from new.password) execute function end_challenges();`;

const countSealed = (more: string): string => `
  create or replace function count_sealed() returns table (key_id text, what text, count bigint)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select split_part(v.sealed, '.', 1), v.what, count(*)
    from (
      select 'signing keys', private_key from public.signing_keys
      union all
      select 'stored responses', answer from public.idempotency_keys where answer_until > now()
      union all
      select 'mails', data ->> 'sealed' from public.mails where sent_at is null and next_attempt_at < 'infinity'${more}
    ) as v (what, sealed)
    where v.sealed is not null
    group by 1, 2
    order by 1, 2
  $$;`;

const twoFactors = `
      union all
      select 'keys of authenticator apps', sealed_secret from public.two_factors`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${secondFactors}
    ${tables.map(authOnly).join('')}
    ${endChallenges}
    ${allow(counter, 'select', 'two_factors')}
    ${countSealed(twoFactors)}
    ${ownFunction('count_sealed()', counter)}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${countSealed('')}
    ${ownFunction('count_sealed()', counter)}
    drop trigger end_challenges on accounts;
    drop function end_challenges();
    ${[...tables]
      .reverse()
      .map((table) => `drop table ${table};`)
      .join('')}
  `);
};
