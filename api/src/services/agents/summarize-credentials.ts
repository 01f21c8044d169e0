import type { Transaction } from '../../platform/database.ts';

/** An agent's credentials that are neither revoked nor expired. */
export interface CredentialSummary {
  active: number;
  /** When the first of them expires. `null`: none does. */
  nextExpiresAt: Date | null;
}

export const noCredentials: CredentialSummary = { active: 0, nextExpiresAt: null };

/** By agent id. One query for all agents. An agent without active credentials is missing. */
export const summarizeCredentials = async (
  trx: Transaction,
  { tenantId, agentIds, now }: { tenantId: string; agentIds: string[]; now: Date },
): Promise<Map<string, CredentialSummary>> => {
  const { rows } = await trx.raw<{ rows: (CredentialSummary & { agentId: string })[] }>(
    `select agent_id as "agentId", count(*)::int as active, min(expires_at) as "nextExpiresAt"
     from credentials
     where tenant_id = ? and agent_id = any (?) and revoked_at is null and (expires_at is null or expires_at > ?)
     group by agent_id`,
    [tenantId, agentIds, now],
  );
  return new Map(rows.map(({ agentId, ...summary }) => [agentId, summary]));
};
