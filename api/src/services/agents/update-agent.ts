import type { Agent } from '../../models/agent.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { appendAudit, lockHead } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { checkGrant, checkMayRestrict } from './authority.ts';
import { givenDetails } from './agent-details.ts';
import type { AgentChanges } from './agent-details.ts';
import { lockLivingAgent } from './lock-agent.ts';

export interface AgentUpdate {
  agentId: string;
  changes: AgentChanges;
  /** The revisions that the change was made for; left out, any. */
  revisions?: readonly number[] | undefined;
}

/** Clocks of processes are kept within this: a later one is wrong, and would refuse the tokens of all others. */
const MAX_SKEW_MS = 5_000;
/** Entries that are looked at: more than a busy tenant writes in a second. */
const NEWEST = 10_000;

/**
 * Tokens are committed under the head. What is dated after this holds no more than is left, and what is not, ends: so it
 * is later than the newest of them, by whichever clock.
 */
const afterItsTokens = async (trx: Transaction, agent: Agent, clock: Clock): Promise<Date> => {
  const { sequence } = await lockHead(trx, agent.tenantId);
  const now = clock().getTime();
  const { rows } = await trx.raw<{ rows: { at: Date | null }[] }>(
    'select max(occurred_at) as at from audit_events where tenant_id = ? and sequence > ?',
    [agent.tenantId, sequence - NEWEST],
  );
  const before = Math.max(rows[0]?.at?.getTime() ?? 0, agent.updatedAt.getTime());
  return new Date(Math.min(Math.max(now, before + 1), now + MAX_SKEW_MS));
};

/**
 * Changes what is given of an agent. A scope that is new to it has to be held by the caller; who takes one away has to
 * hold all that the agent has. Problems: `not_found`, `agent_decommissioned`, `precondition_failed`, `forbidden`, `agent_name_taken`, `validation_failed`.
 */
export const updateAgent = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  { agentId, changes, revisions }: AgentUpdate,
  origin: Origin,
): Promise<Agent> => {
  const { tenantId } = principal;
  const details = givenDetails(changes);
  return db.withTenant(tenantId, async (trx) => {
    const agent = await lockLivingAgent(trx, tenantId, agentId);
    if (revisions && !revisions.includes(agent.revision)) {
      throw new Problem('precondition_failed', 'The agent has changed since you read it. Read it again.');
    }
    const { scopes = agent.scopes } = details;
    const added = scopes.filter((scope) => !agent.scopes.includes(scope));
    if (added.length) await checkGrant(trx, principal, { scopes: added, now: clock() });
    const isNarrowed = agent.scopes.some((scope) => !scopes.includes(scope));
    if (isNarrowed) await checkMayRestrict(trx, principal, { agent, now: clock() });
    const now = isNarrowed ? await afterItsTokens(trx, agent, clock) : clock();
    const metadata = {
      changed: Object.keys(details).sort(),
      ...(details.scopes && { scopes: details.scopes }),
    };
    await agent.$query(trx).patch({ ...details, revision: agent.revision + 1, updatedAt: now });
    const act = { actor: principal, origin, at: now };
    await appendAudit(trx, succeeded(act, { action: 'agent.updated', agentId, metadata }));
    return agent;
  });
};
