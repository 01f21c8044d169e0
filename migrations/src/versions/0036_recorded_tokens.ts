import type { Knex } from 'knex';
import { ownFunction } from '../sql.ts';

const auditor = 'sentryagent_auditor';
const finder = 'sentryagent_client_finder';

const unmetConditions = 'unmet_conditions(jsonb)';
const recordTokens = 'record_tokens(jsonb, text, jsonb)';

/**
 * Returns the first condition that each proof does not meet, or null. All agents of a token are of its client's tenant,
 * and each must hold all of its scopes: of the resource if it is for one, else of the API.
 */
const findUnmet = `
  create function ${unmetConditions} returns text[]
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
  begin
    return array(
      select case
        when not exists (
          select from public.credentials c
          join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
          where c.tenant_id = p.tenant_id and c.id = p.credential_id and a.id = p.agent_id
            and public.client_is_live(a, c) and public.generation_is_live(c, p.generation)
        ) then 'not_live'
        when cardinality(p.for_agents) > 0 and cardinality(p.for_agents) > (
          select count(*) from public.agents a
          where a.tenant_id = p.tenant_id and a.id = any (p.for_agents) and a.status = 'active'
        ) then 'subject_not_live'
        when exists (
          select from public.agents a
          where a.tenant_id = p.tenant_id and a.id = any (p.agent_id || p.for_agents)
            and not p.scopes <@ case when p.resource_id is null then a.scopes else coalesce((
              select g.scopes from public.agent_resource_grants g
              where g.tenant_id = a.tenant_id and g.agent_id = a.id and g.resource_id = p.resource_id
            ), '{}') end
        ) then 'scope_lost'
      end
      from rows from (
        jsonb_to_recordset($1) as (tenant_id text, agent_id text, credential_id text, generation integer,
          for_agents text[], scopes text[], resource_id text)
      ) with ordinality as p (tenant_id, agent_id, credential_id, generation, for_agents, scopes, resource_id, place)
      order by p.place
    );
  end $$;`;

const columns = `tenant_id, sequence, event_id, occurred_at, actor_kind, actor_id, agent_id, action, outcome, ip,
  user_agent, request_id, metadata, previous_hash, hash`;

/** Each of these is one statement, because it must see what the previous holder of a head has committed. */
const lockThenCheck = `
    select array_agg(h.tenant_id), array_agg(h.sequence), array_agg('\\\\x' || encode(h.hash, 'hex'))
    into tenants, sequences, hashes
    from (
      select a.* from public.audit_heads a
      where a.tenant_id in (select p.tenant_id from jsonb_to_recordset(proofs) as p (tenant_id text))
      order by a.tenant_id for update skip locked
    ) as h;
    unmet := public.unmet_conditions(proofs);
    select array_agg(p.tenant_id order by p.place), array_agg(p.agent_id order by p.place),
      array_agg(array_position(tenants, p.tenant_id) order by p.place)
    into owners, clients, heads
    from rows from (jsonb_to_recordset(proofs) as (tenant_id text, agent_id text))
      with ordinality as p (tenant_id, agent_id, place);`;

/** Only entries that meet all other conditions use their assertion. */
const useAssertions = `
    if uses is not null then
      with use as materialized (
        select u.entry, u.jti, u.used_by, u.expires_at, p.tenant_id, p.credential_id
        from jsonb_to_recordset(uses) as u (entry integer, proof integer, jti text, used_by text, expires_at timestamptz)
        cross join lateral jsonb_to_record(proofs -> (u.proof - 1)) as p (tenant_id text, credential_id text)
        where heads[u.proof] is not null and unmet[u.proof] is null
      ), first as (
        select public.use_assertions(jsonb_agg(use)) as used_by from use having count(*) > 0
      )
      select array_agg(use.entry) into replayed
      from use where use.used_by not in (select first.used_by from first);
    end if;`;

/** The SHA-256 is that of the text that is stored, with its number and the hash before it. */
const chainEntries = `
    foreach line in array string_to_array(entries, E'\\n') loop
      entry := entry + 1;
      parts := string_to_array(line, E'\\t');
      proof := parts[1]::integer;
      head := heads[proof];
      answer := case
        when head is null then 'busy'
        when unmet[proof] is not null then unmet[proof]
        when entry = any (replayed) then 'replayed'
      end;
      if answer is not null then
        return next;
        continue;
      end if;
      sequences[head] := sequences[head] + 1;
      line := parts[2] || hashes[head] || parts[3] || sequences[head] || parts[4];
      hashes[head] := '\\\\x' || encode(sha256(convert_to(line, 'UTF8')), 'hex');
      chained := chained || (left(line, -1) || ',"hash":"' || hashes[head] || '"}');
      chained_by := chained_by || proof;
    end loop;`;

/** An entry that says another client than its proof is not written, and then nothing is. */
const writeEntries = `
    with entry as materialized (
      select e.* from unnest(chained, chained_by) as c (line, proof)
      cross join lateral jsonb_populate_record(null::public.audit_events, c.line::jsonb) as e
      where e.tenant_id = owners[c.proof] and e.actor_id = clients[c.proof] and e.actor_kind = 'agent'
        and e.action in ('token.issued', 'token.exchanged')
    ), last as (
      select distinct on (tenant_id) tenant_id, sequence, hash from entry order by tenant_id, sequence desc
    ), moved as (
      update public.audit_heads h set sequence = last.sequence, hash = last.hash
      from last where h.tenant_id = last.tenant_id
    ), counted_by_agent as (
      insert into public.agent_usage as a (tenant_id, agent_id, metric, day, count, last_at)
      select tenant_id, actor_id, 'token_issuances', (occurred_at at time zone 'UTC')::date, count(*), max(occurred_at)
      from entry
      group by 1, 2, 4
      order by 1, 2, 4
      on conflict (tenant_id, agent_id, metric, day)
        do update set count = a.count + excluded.count, last_at = greatest(a.last_at, excluded.last_at)
    ), counted as (
      insert into public.usage_events as u (tenant_id, day, metric, source, count)
      select tenant_id, (occurred_at at time zone 'UTC')::date, 'token_issuances', 'ledger', count(*)
      from entry
      group by 1, 2
      order by 1, 2
      on conflict (tenant_id, day, metric, source)
        do update set count = u.count + excluded.count, updated_at = now()
    )
    insert into public.audit_events (${columns}) select ${columns} from entry;
    get diagnostics written = row_count;
    if written <> cardinality(chained) then
      raise exception 'an entry does not belong to the client of its proof';
    end if;`;

/**
 * Records issued tokens of many tenants. `entries` has a line for each: the place of its proof in `proofs`, then its JSON
 * in three parts, without the hash before it and its number, all separated by tabs. JSON has neither tabs nor line ends.
 * Returns the entries that are not recorded, each with the reason. A tenant with a locked head is busy, so that nobody
 * waits for another tenant.
 */
const record = `
  create function record_tokens(proofs jsonb, entries text, uses jsonb) returns table (entry integer, answer text)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  declare
    tenants text[];
    sequences bigint[];
    hashes text[];
    unmet text[];
    owners text[];
    clients text[];
    heads integer[];
    replayed integer[];
    line text;
    parts text[];
    proof integer;
    head integer;
    chained text[] = '{}';
    chained_by integer[] = '{}';
    written integer;
  begin
    ${lockThenCheck}
    ${useAssertions}
    entry := 0;
    ${chainEntries}
    if chained = '{}' then return; end if;
    ${writeEntries}
  end $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${findUnmet}
    ${ownFunction(unmetConditions, finder)}
    revoke execute on function ${unmetConditions} from sentryagent_app;
    grant execute on function ${unmetConditions}, use_assertions(jsonb) to ${auditor};
    ${record}
    ${ownFunction(recordTokens, auditor)}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop function ${recordTokens}, ${unmetConditions};
    revoke execute on function use_assertions(jsonb) from ${auditor};
  `);
};
