import type { Knex } from 'knex';
import { ownFunction } from '../sql.ts';

const finder = 'sentryagent_client_finder';

/** As it was, with more columns. */
const liveProofs = (types: string, columns: string): string => `
  drop function live_proofs(text[], integer[]);
  create function live_proofs(credential_ids text[], generations integer[])
  returns table (credential_id text, generation integer${types})
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.id, asked.generation${columns}
    from unnest(credential_ids, generations) as asked (id, generation)
    join public.credentials c on c.id = asked.id
    join public.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
    where public.client_is_live(a, c) and public.generation_is_live(c, asked.generation)
  $$;
  ${ownFunction('live_proofs(text[], integer[])', finder)}`;

/** Tells the scopes too. live_agents stays for processes of the version before. */
const findLiveAgents = `
  create function find_live_agents(agent_ids text[]) returns table (id text, scopes text[])
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.id, a.scopes from public.agents a where a.id = any (agent_ids) and a.status = 'active'
  $$;
  ${ownFunction('find_live_agents(text[])', finder)}`;

/** Ends the agent's tokens as of the change; `refused` is what the mark says of those to come. */
const follow = (name: string, refused: string): string => `
  create or replace function ${name}() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    perform public.mark_not_before(new.tenant_id, new.id,
      case when new.updated_at > old.updated_at then new.updated_at else clock_timestamp() end,
      ${refused});
    return new;
  end $$;`;

/** An agent that is granted less keeps no token that says more. */
const followAgent = `
  drop trigger follow_agent_status on agents;
  alter function follow_agent_status() rename to follow_agent;
  ${follow('follow_agent', `case when old.status is distinct from new.status then new.status <> 'active' end`)}
  create trigger follow_agent after update of status, scopes on agents for each row
    when (old.status is distinct from new.status or not old.scopes <@ new.scopes)
    execute function follow_agent();`;

const followAgentStatus = `
  drop trigger follow_agent on agents;
  alter function follow_agent() rename to follow_agent_status;
  ${follow('follow_agent_status', `new.status <> 'active'`)}
  create trigger follow_agent_status after update of status on agents
    for each row when (old.status is distinct from new.status) execute function follow_agent_status();`;

const columns = `tenant_id, sequence, event_id, occurred_at, actor_kind, actor_id, agent_id, action, outcome, ip,
  user_agent, request_id, metadata, previous_hash, hash`;

/** The entries are read once, which takes a fifth off the time: this is the warm path's one write. */
const appendAudit = `
  create or replace function append_audit(entries jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    with entry as materialized (
      select * from jsonb_populate_recordset(null::public.audit_events, entries)
    ), inserted as (
      insert into public.audit_events (${columns}) select ${columns} from entry
    ), last as (
      select distinct on (tenant_id) tenant_id, sequence, hash from entry order by tenant_id, sequence desc
    ), moved as (
      update public.audit_heads h set sequence = last.sequence, hash = last.hash
      from last where h.tenant_id = last.tenant_id
    )
    insert into public.usage_events as u (tenant_id, day, metric, source, count)
    select tenant_id, (occurred_at at time zone 'UTC')::date, 'token_issuances', 'ledger', count(*)
    from entry
    where action in ('token.issued', 'token.exchanged')
    group by 1, 2
    order by 1, 2
    on conflict (tenant_id, day, metric, source)
      do update set count = u.count + excluded.count, updated_at = now();
  end $$;`;

const appendAuditBefore = `
  create or replace function append_audit(entries jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  begin
    insert into public.audit_events (tenant_id, sequence, event_id, occurred_at, actor_kind, actor_id, agent_id,
      action, outcome, ip, user_agent, request_id, metadata, previous_hash, hash)
    select e.tenant_id, e.sequence, e.event_id, e.occurred_at, e.actor_kind, e.actor_id, e.agent_id, e.action,
      e.outcome, e.ip, e.user_agent, e.request_id, e.metadata, e.previous_hash, e.hash
    from jsonb_populate_recordset(null::public.audit_events, entries) as e;

    update public.audit_heads h set sequence = last.sequence, hash = last.hash
    from (
      select distinct on (e.tenant_id) e.tenant_id, e.sequence, e.hash
      from jsonb_populate_recordset(null::public.audit_events, entries) as e
      order by e.tenant_id, e.sequence desc
    ) as last
    where h.tenant_id = last.tenant_id;

    insert into public.usage_events as u (tenant_id, day, metric, source, count)
    select e.tenant_id, (e.occurred_at at time zone 'UTC')::date, 'token_issuances', 'ledger', count(*)
    from jsonb_populate_recordset(null::public.audit_events, entries) as e
    where e.action in ('token.issued', 'token.exchanged')
    group by 1, 2
    order by 1, 2
    on conflict (tenant_id, day, metric, source)
      do update set count = u.count + excluded.count, updated_at = now();
  end $$;`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${liveProofs(', scopes text[]', ', a.scopes')}
    ${findLiveAgents}
    ${followAgent}
    ${appendAudit}
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${appendAuditBefore}
    ${followAgentStatus}
    drop function find_live_agents(text[]);
    ${liveProofs('', '')}
  `);
};
