import { hasRoom } from '@sentryagent/workflows/rules/quota';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { Agent } from '../../models/agent.ts';
import type { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TenantDatabase, Transaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { countCreation } from '../limits/count-today.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';
import { resolveGrants, type GrantRequest } from '../resource-grants/resolve-grants.ts';
import { namedGrants } from '../resource-grants/resource-grants.ts';
import { writeGrants } from '../resource-grants/write-grants.ts';
import { freeTierLimit } from '../usage/free-tier-limit.ts';
import { withDefaults, type NewAgent } from './agent-details.ts';
import { checkGrant, checkMayCap } from '../authority/authority.ts';
import { countActiveAgents } from '../usage/count-active-agents.ts';
import type { AgentView } from './agent-view.ts';
import { noCredentials } from './summarize-credentials.ts';

export interface RegisterAgentDeps {
  db: TenantDatabase;
  clock: Clock;
  config: { BILLING_ENABLED: boolean; DASHBOARD_URL: string };
}

/** The caller holds the tenant's row, so parallel registrations are counted one after another. */
const checkLimit = async (
  trx: Transaction,
  { tier }: TenantSubscription,
  deps: RegisterAgentDeps,
): Promise<void> => {
  const limit = tiers[tier].limits.agents;
  const used = await countActiveAgents(trx);
  if (deps.config.BILLING_ENABLED && !hasRoom(limit, used)) {
    throw freeTierLimit(deps.config.DASHBOARD_URL, {
      limit: 'agents',
      max: limit.max!,
      used,
      resetsAt: null,
      now: deps.clock(),
    });
  }
};

/** The owner of a new agent: the member who registers it, or the owner of the agent that does. */
const ownerOf = async (
  trx: Transaction,
  { tenantId, kind, id }: Principal,
): Promise<Pick<Agent, 'owner' | 'ownerTeam'>> => {
  if (kind === 'member') return { owner: id, ownerTeam: null };
  const { owner, ownerTeam } = await Agent.query(trx).findById([tenantId, id]).throwIfNotFound();
  return { owner, ownerTeam };
};

/**
 * Registers an agent in the caller's tenant. Problems: `forbidden` (a scope that the caller does not hold),
 * `agent_name_taken`, `free_tier_limit`, `daily_limit`, `validation_failed` (an owner who is not a member, an invalid
 * grant).
 */
export const registerAgent = async (
  deps: RegisterAgentDeps,
  principal: Principal,
  { resourceGrants: requested = [], ...given }: NewAgent & { resourceGrants?: GrantRequest[] | undefined },
  origin: Origin,
): Promise<AgentView> => {
  const { tenantId } = principal;
  const now = deps.clock();
  const details = withDefaults(given);
  checkMayCap(principal, given);
  return deps.db.withTenant(tenantId, async (trx) => {
    const tenant = await lockTenant(trx, tenantId);
    const resourceGrants = await resolveGrants(trx, tenantId, requested);
    await checkGrant(trx, principal, { scopes: details.scopes, resourceGrants, now });
    await checkLimit(trx, tenant, deps);
    await countCreation(trx, deps, principal);
    const agent = await Agent.query(trx).insert({
      tenantId,
      id: newId('agt', now.getTime()),
      ...(await ownerOf(trx, principal)),
      ...details,
      status: 'active',
      revision: 1,
      createdAt: now,
      updatedAt: now,
      decommissionedAt: null,
    });
    await writeGrants(trx, agent, resourceGrants);
    const act = { actor: principal, origin, at: now };
    const metadata = {
      name: agent.name,
      scopes: agent.scopes,
      owner: agent.owner,
      ...(agent.callCap && { callCap: agent.callCap }),
      ...(requested.length > 0 && { resourceGrants: namedGrants(resourceGrants) }),
    };
    await appendAudit(trx, succeeded(act, { action: 'agent.created', agentId: agent.id, metadata }));
    return { agent, resourceGrants, credentials: noCredentials, lastTokenAt: null };
  });
};
