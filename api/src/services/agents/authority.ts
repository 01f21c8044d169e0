import { Agent } from '../../models/agent.ts';
import { Credential } from '../../models/credential.ts';
import type { Transaction } from '../../platform/database.ts';
import type { PresentedToken, Principal, Scope } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';

/**
 * No request yields a credential, a scope or a token that is stronger than the token it came with. An agent's token may
 * be older than a change of its agent or credential, so what it is worth is read from their rows. These stay locked:
 * nothing of it ends before the act that relies on it.
 */

const works = ({ revokedAt, expiresAt, ...secret }: Credential, generation: number, now: Date): boolean => {
  if (revokedAt || (expiresAt && expiresAt <= now)) return false;
  if (generation === secret.generation) return true;
  return generation === secret.generation - 1 && secret.previousUntil !== null && secret.previousUntil > now;
};

/** Problem: `forbidden`, for a token of a credential that has ended, or of a secret that was replaced. */
const checkCredential = async (
  trx: Transaction,
  tenantId: string,
  { credentialId, clientId, generation }: PresentedToken,
  now: Date,
): Promise<void> => {
  const credential = await Credential.query(trx)
    .findOne({ tenant_id: tenantId, id: credentialId, agent_id: clientId })
    .forShare();
  if (credential && works(credential, generation, now)) return;
  throw new Problem(
    'forbidden',
    'The credential of this token has ended, or its secret was replaced. Get a new token.',
  );
};

/**
 * The caller's scopes that everyone the token speaks for still holds; a member's follow the role. Problem: `forbidden`.
 */
export const heldScopes = async (
  trx: Transaction,
  principal: Principal,
  now: Date,
): Promise<readonly Scope[]> => {
  const { tenantId, id, scopes, token } = principal;
  if (!token) return scopes;
  await checkCredential(trx, tenantId, token, now);
  const ids = [...new Set([id, ...token.actors])];
  const agents = await Agent.query(trx)
    .where({ tenant_id: tenantId, status: 'active' })
    .whereIn('id', ids)
    .orderBy('id')
    .forShare();
  if (agents.length < ids.length) return [];
  return scopes.filter((scope) => agents.every((agent) => agent.scopes.includes(scope)));
};

const findMissing = async (
  trx: Transaction,
  principal: Principal,
  { scopes, now }: { scopes: readonly Scope[]; now: Date },
): Promise<readonly Scope[]> => {
  const held = await heldScopes(trx, principal, now);
  return scopes.filter((scope) => !held.includes(scope));
};

/** Nobody grants what they do not hold; owners and admins hold every scope. Problem: `forbidden`. */
export const checkGrant = async (
  trx: Transaction,
  principal: Principal,
  granted: { scopes: readonly Scope[]; now: Date },
): Promise<void> => {
  const missing = await findMissing(trx, principal, granted);
  if (missing.length === 0) return;
  throw new Problem(
    'forbidden',
    `You cannot grant what you do not hold yourself: ${missing.join(' ')}. ` +
      'Use a token with these scopes, or ask an owner or admin of your tenant.',
  );
};

/**
 * Whether the caller may have a credential of the agent made or replaced: it is worth the agent's scopes, and outlives
 * the token. An agent's own is no exception. Problem: `forbidden`.
 */
export const checkMayIssueCredential = async (
  trx: Transaction,
  principal: Principal,
  { agent: { scopes }, now }: { agent: Agent; now: Date },
): Promise<void> => {
  if (principal.token?.actors.length) {
    throw new Problem('forbidden', 'An exchanged token makes no credential. Use a token of your own.');
  }
  await checkGrant(trx, principal, { scopes, now });
};

/** Whether the caller may take something away from the agent: not from one that holds more. Problem: `forbidden`. */
export const checkMayRestrict = async (
  trx: Transaction,
  principal: Principal,
  { agent: { scopes }, now }: { agent: Agent; now: Date },
): Promise<void> => {
  const missing = await findMissing(trx, principal, { scopes, now });
  if (missing.length === 0) return;
  throw new Problem(
    'forbidden',
    `This agent holds more than your token: ${missing.join(' ')}. Ask an owner or admin of your tenant.`,
  );
};
