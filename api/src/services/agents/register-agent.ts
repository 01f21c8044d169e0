import { hasRoom } from '@sentryagent/workflows/rules/quota';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { Agent } from '../../models/agent.ts';
import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { Origin, Principal, Scope } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import { freeTierLimit } from '../usage/free-tier-limit.ts';
import { countActiveAgents } from './count-active-agents.ts';

export interface RegisterAgentDeps {
  db: Database;
  clock: Clock;
  config: { BILLING_ENABLED: boolean; DASHBOARD_URL: string };
}

export interface NewAgent {
  name: string;
  description?: string | undefined;
  scopes?: Scope[] | undefined;
}

/** Nobody grants what they don't hold: owners and admins hold every scope. */
const checkGrant = (principal: Principal, granted: readonly Scope[]): void => {
  const extra = granted.filter((scope) => !principal.scopes.includes(scope));
  if (extra.length) {
    throw new Problem('forbidden', `You cannot grant what you do not hold yourself: ${extra.join(' ')}.`);
  }
};

/** The subscription row is locked, so parallel registrations are counted one after another. */
const checkLimit = async (trx: Transaction, tenantId: string, deps: RegisterAgentDeps): Promise<void> => {
  const { tier } = await TenantSubscription.query(trx).findById(tenantId).forUpdate().throwIfNotFound();
  const limit = tiers[tier].limits.agents;
  const used = await countActiveAgents(trx);
  if (deps.config.BILLING_ENABLED && !hasRoom(limit, used)) {
    throw freeTierLimit(deps.config.DASHBOARD_URL, {
      limit: 'agents',
      max: limit.max!,
      used,
      resetsAt: null,
    });
  }
};

/**
 * Registers an agent in the caller's tenant. Problems: `forbidden` (a scope the caller doesn't hold),
 * `agent_name_taken`, `free_tier_limit`.
 */
export const registerAgent = async (
  deps: RegisterAgentDeps,
  principal: Principal,
  { name, description, scopes = ['agents:read'] }: NewAgent,
  origin: Origin,
): Promise<Agent> => {
  checkGrant(principal, scopes);
  const { tenantId } = principal;
  const now = deps.clock();
  return deps.db.withTenant(tenantId, async (trx) => {
    await checkLimit(trx, tenantId, deps);
    const agent = await Agent.query(trx).insert({
      tenantId,
      id: newId('agt', now.getTime()),
      name,
      description: description ?? null,
      status: 'active',
      scopes: [...new Set(scopes)],
      owner: principal.id,
      createdAt: now,
      updatedAt: now,
    });
    const act = { actor: principal, origin, at: now };
    const metadata = { name, scopes: agent.scopes };
    await appendAudit(trx, succeeded(act, { action: 'agent.created', agentId: agent.id, metadata }));
    return agent;
  });
};
