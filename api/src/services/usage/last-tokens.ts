import type { Transaction } from '../../platform/database.ts';

/** When each of these agents last got a token, if it ever did. One query, which reads one row for each agent. */
export const readLastTokens = async (
  trx: Transaction,
  tenantId: string,
  agentIds: string[],
): Promise<Map<string, Date>> => {
  const { rows } = await trx.raw<{ rows: { agentId: string; lastAt: Date }[] }>(
    `select asked.id as "agentId", last.last_at as "lastAt"
     from unnest(?::text[]) as asked (id)
     cross join lateral (
       select last_at from agent_usage
       where tenant_id = ? and agent_id = asked.id and metric = 'token_issuances'
       order by day desc limit 1
     ) as last`,
    [agentIds, tenantId],
  );
  return new Map(rows.map(({ agentId, lastAt }) => [agentId, lastAt]));
};
