import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Principal, Scope } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';

/** What the caller holds now: an agent's token may be older than a change of its agent. */
const heldScopes = async (
  trx: Transaction,
  { tenantId, kind, id, scopes }: Principal,
): Promise<readonly Scope[]> => {
  if (kind === 'member') return scopes;
  const self = await Agent.query(trx).findOne({ tenant_id: tenantId, id, status: 'active' });
  return scopes.filter((scope) => self?.scopes.includes(scope));
};

/** Nobody grants what they do not hold; owners and admins hold every scope. Problem: `forbidden`. */
export const checkGrant = async (
  trx: Transaction,
  principal: Principal,
  granted: readonly Scope[],
): Promise<void> => {
  const held = await heldScopes(trx, principal);
  const extra = granted.filter((scope) => !held.includes(scope));
  if (extra.length === 0) return;
  throw new Problem('forbidden', `You cannot grant what you do not hold yourself: ${extra.join(' ')}.`);
};
