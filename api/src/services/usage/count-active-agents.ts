import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Days } from './history-days.ts';

/** `active_agents`: all agents of the tenant that are not decommissioned, including suspended ones. */
export const countActiveAgents = (trx: Transaction): Promise<number> =>
  Agent.query(trx).whereNot('status', 'decommissioned').resultSize();

/**
 * `active_agents` at the end of each day until today. A day that is not settled yet is counted like `settle_usage` does
 * it: by the times at which agents were registered and decommissioned.
 */
export const countActiveAgentsByDay = async (
  trx: Transaction,
  tenantId: string,
  { from, to }: Days,
  today: string,
): Promise<{ day: string; metric: 'active_agents'; count: number }[]> => {
  const { rows } = await trx.raw<{ rows: { day: string; metric: 'active_agents'; count: number }[] }>(
    `with changes as materialized (
       select (at at time zone 'UTC')::date as day, sum(change) as agents
       from agents a
       cross join lateral (
         values (created_at, 1), (
           case status when 'decommissioned' then greatest(created_at, coalesce(decommissioned_at, updated_at)) end, -1
         )
       ) as c (at, change)
       where a.tenant_id = :tenantId and at is not null
       group by 1
     )
     select d::date as day, 'active_agents' as metric, coalesce(settled.count, (
       select sum(agents) from changes where changes.day <= d::date
     ), 0)::bigint as count
     from generate_series(
       cast(:from as timestamp), cast(least(:to, :today) as timestamp), interval '1 day'
     ) as d
     left join usage_events settled
       on settled.tenant_id = :tenantId and settled.day = d::date and settled.metric = 'active_agents'`,
    { tenantId, from, to, today },
  );
  return rows;
};
