import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { afterTokens } from '../authority/after-tokens.ts';
import { checkMayRestrict } from '../authority/authority.ts';
import { lockLivingAgent } from './lock-agent.ts';
import { viewAgent, type AgentView } from './agent-view.ts';

const actions = { suspended: 'agent.suspended', active: 'agent.reactivated' } as const;

/**
 * Suspends or reactivates an agent. If it has the status already, nothing changes and there is no audit entry. The
 * entry locks the audit head, as every commit of tokens does. So no token of a suspended agent is committed after this.
 * Problems: `not_found`, `agent_decommissioned`, `forbidden` (the agent has more scopes than the caller).
 */
export const setAgentStatus = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  { agentId, status }: { agentId: string; status: keyof typeof actions },
  origin: Origin,
): Promise<AgentView> => {
  const { tenantId } = principal;
  return db.withTenant(tenantId, async (trx) => {
    const agent = await lockLivingAgent(trx, principal, agentId);
    const view = await viewAgent(trx, agent, clock());
    if (agent.status === status) return view;
    await checkMayRestrict(trx, principal, { agent, now: clock() });
    // Both revoke all earlier tokens, even if the clock of another process is ahead.
    const now = await afterTokens(trx, { tenantId, changedAt: agent.updatedAt }, clock);
    await agent.$query(trx).patch({ status, revision: agent.revision + 1, updatedAt: now });
    const act = { actor: principal, origin, at: now };
    await appendAudit(trx, succeeded(act, { action: actions[status], agentId, metadata: {} }));
    return view;
  });
};
