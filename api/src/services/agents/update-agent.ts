import { isDeepStrictEqual } from 'node:util';
import type { Agent } from '../../models/agent.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';
import { resolveGrants, type GrantRequest } from '../resource-grants/resolve-grants.ts';
import { grantsBeyond, namedGrants, type ResourceGrant } from '../resource-grants/resource-grants.ts';
import { writeGrants } from '../resource-grants/write-grants.ts';
import { afterTokens } from '../authority/after-tokens.ts';
import { checkGrant, checkMayCap, checkMayRestrict, type Holdings } from '../authority/authority.ts';
import { givenDetails, type AgentChanges, type AgentDetails } from './agent-details.ts';
import { lockLivingAgent } from './lock-agent.ts';
import { viewAgent, type AgentView } from './agent-view.ts';

export interface AgentUpdate {
  agentId: string;
  changes: AgentChanges;
  /** Replaces all grants. If omitted, they stay. */
  resourceGrants?: readonly GrantRequest[] | undefined;
  /** The revisions that the change is for. If omitted, any. */
  revisions?: readonly number[] | undefined;
}

/** Locks the rows for the change: the tenant's if grants change, then the agent's. */
const lockForUpdate = async (
  trx: Transaction,
  principal: Principal,
  { agentId, resourceGrants, revisions }: AgentUpdate,
  now: Date,
): Promise<AgentView> => {
  if (resourceGrants) await lockTenant(trx, principal.tenantId);
  const agent = await lockLivingAgent(trx, principal, agentId);
  if (revisions && !revisions.includes(agent.revision)) {
    throw new Problem('precondition_failed', 'The agent has changed since you read it. Read it again.');
  }
  return viewAgent(trx, agent, now);
};

const beyond = (some: Holdings, others: Holdings): Holdings => ({
  scopes: some.scopes.filter((scope) => !others.scopes.includes(scope)),
  resourceGrants: grantsBeyond(some.resourceGrants, others.resourceGrants),
});

const isEmpty = ({ scopes, resourceGrants }: Holdings): boolean =>
  scopes.length === 0 && resourceGrants.length === 0;

/** Checks that the caller can change the agent and grant what is new. Returns whether the agent loses a right. */
const checkChange = async (
  trx: Transaction,
  principal: Principal,
  { agent, held, next, now }: { agent: Agent; held: Holdings; next: Holdings; now: Date },
): Promise<boolean> => {
  await checkMayRestrict(trx, principal, { agent, now });
  await checkGrant(trx, principal, { ...beyond(next, held), now });
  return !isEmpty(beyond(held, next));
};

/** The details that differ from those of the agent. */
const changedDetails = (agent: Agent, given: Partial<AgentDetails>): Partial<AgentDetails> =>
  Object.fromEntries(
    Object.entries(given).filter(([name, value]) => !isDeepStrictEqual(value, agent[name as keyof Agent])),
  );

const isSame = (some: readonly ResourceGrant[], others: readonly ResourceGrant[]): boolean =>
  grantsBeyond(some, others).length === 0 && grantsBeyond(others, some).length === 0;

const metadataOf = (
  details: Partial<AgentDetails>,
  resourceGrants: readonly ResourceGrant[] | undefined,
): Record<string, unknown> => ({
  changed: [...Object.keys(details), ...(resourceGrants ? ['resourceGrants'] : [])].sort(),
  ...(details.scopes && { scopes: details.scopes }),
  ...(details.callCap !== undefined && { callCap: details.callCap }),
  ...(resourceGrants && { resourceGrants: namedGrants(resourceGrants) }),
});

/**
 * Changes the given fields of an agent. The caller must hold all scopes of the agent and all new ones, for the API and
 * for resources. A request that changes nothing is checked, but leaves no entry and the same revision. Problems:
 * `not_found`, `agent_decommissioned`, `precondition_failed`, `forbidden`, `agent_name_taken`, `validation_failed`.
 */
export const updateAgent = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  update: AgentUpdate,
  origin: Origin,
): Promise<AgentView> => {
  const { tenantId } = principal;
  const { agentId } = update;
  checkMayCap(principal, update.changes);
  return db.withTenant(tenantId, async (trx) => {
    const view = await lockForUpdate(trx, principal, update, clock());
    const { agent, resourceGrants: before } = view;
    const details = changedDetails(agent, givenDetails(update.changes));
    const given = update.resourceGrants && (await resolveGrants(trx, tenantId, update.resourceGrants));
    const resourceGrants = given ?? before;
    const held = { scopes: agent.scopes, resourceGrants: before };
    const next = { scopes: details.scopes ?? agent.scopes, resourceGrants };
    const isNarrowed = await checkChange(trx, principal, { agent, held, next, now: clock() });
    const granted = given && !isSame(given, before) ? given : undefined;
    if (Object.keys(details).length === 0 && !granted) return { ...view, resourceGrants };
    const now = isNarrowed
      ? await afterTokens(trx, { tenantId, changedAt: agent.updatedAt }, clock)
      : clock();
    await agent.$query(trx).patch({ ...details, revision: agent.revision + 1, updatedAt: now });
    if (granted) await writeGrants(trx, agent, granted);
    const act = { actor: principal, origin, at: now };
    const metadata = metadataOf(details, granted);
    await appendAudit(trx, succeeded(act, { action: 'agent.updated', agentId, metadata }));
    return { ...view, resourceGrants };
  });
};
