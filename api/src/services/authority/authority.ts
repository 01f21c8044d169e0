import { Agent } from '../../models/agent.ts';
import { Credential } from '../../models/credential.ts';
import type { Transaction } from '../../platform/database.ts';
import {
  agentsOf,
  type PresentedToken,
  type Principal,
  type Scope,
  type ShownCredential,
} from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { grantsBeyond, readGrantsOf, type ResourceGrant } from '../resource-grants/resource-grants.ts';

/**
 * A request never grants more than its token holds. The token can be older than a change of its agent or credential, so
 * its rights are read from their rows. The rows stay locked until the change is committed. Every change of an agent's
 * grants locks its row too.
 */

/** Scopes of the API and of the tenant's resources. A credential has all scopes of its agent. */
export interface Holdings {
  scopes: readonly Scope[];
  resourceGrants: readonly ResourceGrant[];
}

const works = (
  { revokedAt, expiresAt, ...secret }: Credential,
  generation: number | undefined,
  now: Date,
): boolean => {
  if (revokedAt || (expiresAt && expiresAt <= now)) return false;
  if (generation === secret.generation) return true;
  return generation === secret.generation - 1 && secret.previousUntil !== null && secret.previousUntil > now;
};

/** The credentials of all agents that the token acts for. */
const shownFor = ({
  clientId,
  credentialId,
  generation,
  exchangedFrom,
}: PresentedToken): readonly ShownCredential[] => [
  { agentId: clientId, credentialId, generation },
  ...exchangedFrom,
];

/**
 * A token can create, change or grant only while every credential of its chain works. Problem: `forbidden`, if one of
 * them has expired, was revoked or has a new secret.
 */
const checkCredentials = async (
  trx: Transaction,
  tenantId: string,
  token: PresentedToken,
  now: Date,
): Promise<void> => {
  const shown = shownFor(token);
  const credentials = await Credential.query(trx)
    .where('tenant_id', tenantId)
    .whereIn(
      'id',
      shown.flatMap(({ credentialId }) => credentialId ?? []),
    )
    .orderBy('id')
    .forShare();
  const known = new Map(
    credentials.map((credential) => [`${credential.agentId} ${credential.id}`, credential]),
  );
  const isLive = ({ agentId, credentialId, generation }: ShownCredential): boolean => {
    const credential = known.get(`${agentId} ${credentialId}`);
    return credential !== undefined && works(credential, generation, now);
  };
  if (shown.every(isLive)) return;
  throw new Problem(
    'forbidden',
    'A credential of this token has expired, was revoked or has a new secret. Get a new token.',
  );
};

/** Locks all agents that the token acts for. Returns none if one of them is not active. */
const lockAgentsOf = async (trx: Transaction, principal: Principal): Promise<Agent[]> => {
  const ids = agentsOf(principal);
  const agents = await Agent.query(trx)
    .where({ tenant_id: principal.tenantId, status: 'active' })
    .whereIn('id', ids)
    .orderBy('id')
    .forShare();
  return agents.length === ids.length ? agents : [];
};

/** The agents of the token, and the scopes that all of them still hold. Problem: `forbidden`, as `checkCredentials`. */
const readStanding = async (
  trx: Transaction,
  principal: Principal,
  token: PresentedToken,
  now: Date,
): Promise<{ agents: Agent[]; scopes: readonly Scope[] }> => {
  // Lock agents before credentials, as everywhere, so that suspending an agent never waits for its own requests.
  const agents = await lockAgentsOf(trx, principal);
  await checkCredentials(trx, principal.tenantId, token, now);
  const holds = (scope: Scope): boolean =>
    agents.length > 0 && agents.every((agent) => agent.scopes.includes(scope));
  return { agents, scopes: principal.scopes.filter(holds) };
};

/** The scopes that the caller holds now. A member's scopes follow the role. Problem: `forbidden`. */
export const heldScopes = async (
  trx: Transaction,
  principal: Principal,
  now: Date,
): Promise<readonly Scope[]> =>
  principal.token ? (await readStanding(trx, principal, principal.token, now)).scopes : principal.scopes;

/** Checks that every credential of the token still works, for changes that need no scope. Problem: `forbidden`. */
export const checkStanding = async (trx: Transaction, principal: Principal, now: Date): Promise<void> => {
  await heldScopes(trx, principal, now);
};

/** A token that is neither exchanged nor narrowed: it has the same rights as a credential of its agent. */
const isWhole = (token: PresentedToken, scopes: readonly Scope[], [agent, ...others]: Agent[]): boolean =>
  token.actors.length === 0 &&
  agent !== undefined &&
  others.length === 0 &&
  agent.scopes.every((scope) => scopes.includes(scope));

/**
 * The scopes that the caller lacks. A token has the API scopes that all of its agents still have. A whole token has the
 * resource grants of its agent too. A member's scopes follow the role. A member with `agents:write` can grant any
 * resource.
 */
const findMissing = async (
  trx: Transaction,
  principal: Principal,
  { scopes, resourceGrants, now }: Holdings & { now: Date },
): Promise<Holdings> => {
  const { token } = principal;
  if (!token) {
    const mayGrant = principal.scopes.includes('agents:write');
    return {
      scopes: scopes.filter((scope) => !principal.scopes.includes(scope)),
      resourceGrants: mayGrant ? [] : resourceGrants,
    };
  }
  const standing = await readStanding(trx, principal, token, now);
  const held =
    resourceGrants.length && isWhole(token, principal.scopes, standing.agents)
      ? await readGrantsOf(trx, principal)
      : [];
  return {
    scopes: scopes.filter((scope) => !standing.scopes.includes(scope)),
    resourceGrants: grantsBeyond(resourceGrants, held),
  };
};

/** Problem: `forbidden`, with the scopes that the caller lacks. */
const checkHolds = async (
  trx: Transaction,
  principal: Principal,
  wanted: Holdings & { now: Date },
  { because, instead }: { because: string; instead: string },
): Promise<void> => {
  const { scopes, resourceGrants } = await findMissing(trx, principal, wanted);
  if (scopes.length === 0 && resourceGrants.length === 0) return;
  const missing = [
    ...(scopes.length ? [scopes.join(' ')] : []),
    ...resourceGrants.map((grant) => `${grant.scopes.join(' ')} at ${grant.resource}`),
  ];
  const whole =
    resourceGrants.length && principal.token
      ? ' For resource scopes, use a token that is not exchanged or narrowed.'
      : '';
  throw new Problem('forbidden', `${because}: ${missing.join('; ')}.${whole} ${instead}`);
};

/** A caller grants only scopes that it holds. Owners and admins hold all. Problem: `forbidden`. */
export const checkGrant = (
  trx: Transaction,
  principal: Principal,
  granted: Holdings & { now: Date },
): Promise<void> =>
  checkHolds(trx, principal, granted, {
    because: 'You cannot grant scopes that your token lacks',
    instead: 'Use a token with these scopes, or ask an owner or admin of your tenant.',
  });

const holdingsOf = async (trx: Transaction, agent: Agent): Promise<Holdings> => ({
  scopes: agent.scopes,
  resourceGrants: await readGrantsOf(trx, agent),
});

/** During an overlap, tokens issued with the previous secret cannot create credentials. Problem: `forbidden`. */
const checkNewest = async (
  trx: Transaction,
  tenantId: string,
  { credentialId, generation }: PresentedToken,
): Promise<void> => {
  const { generation: newest } = await Credential.query(trx)
    .findById([tenantId, credentialId])
    .throwIfNotFound();
  if (generation === newest) return;
  throw new Problem(
    'forbidden',
    'This token was issued with the previous secret. Get a new token with the newest secret.',
  );
};

/**
 * Checks that the caller can create or rotate a credential of the agent. The credential has all scopes of the agent and
 * outlives the token, so the caller must hold them, even if the agent is the caller. Problem: `forbidden`.
 */
export const checkMayIssueCredential = async (
  trx: Transaction,
  principal: Principal,
  { agent, now }: { agent: Agent; now: Date },
): Promise<void> => {
  if (principal.token?.actors.length) {
    throw new Problem(
      'forbidden',
      'An exchanged token cannot create or rotate credentials. Use a token that was not exchanged.',
    );
  }
  await checkGrant(trx, principal, { ...(await holdingsOf(trx, agent)), now });
  if (principal.token) await checkNewest(trx, principal.tenantId, principal.token);
};

/** Checks that the caller can change the agent: it must hold all scopes of the agent. Problem: `forbidden`. */
export const checkMayRestrict = async (
  trx: Transaction,
  principal: Principal,
  { agent, now }: { agent: Agent; now: Date },
): Promise<void> =>
  checkHolds(
    trx,
    principal,
    { ...(await holdingsOf(trx, agent)), now },
    {
      because: 'This agent has scopes that your token lacks',
      instead: 'Ask an owner or admin of your tenant.',
    },
  );

/** Only owners and admins set caps, so no agent can raise its own. Problem: `forbidden`. */
export const checkMayCap = ({ kind }: Principal, { callCap }: { callCap?: unknown }): void => {
  if (callCap === undefined || kind === 'member') return;
  throw new Problem('forbidden', 'Agents cannot set callCap. Ask an owner or admin of your tenant.');
};

/** Checks that the caller can remove grants of a resource: it must hold all of them. Problem: `forbidden`. */
export const checkMayEndGrants = (
  trx: Transaction,
  principal: Principal,
  { granted, now }: { granted: ResourceGrant; now: Date },
): Promise<void> =>
  checkHolds(
    trx,
    principal,
    { scopes: [], resourceGrants: granted.scopes.length ? [granted] : [], now },
    {
      because: 'Agents have scopes of this resource that your token lacks',
      instead: 'Ask an owner or admin of your tenant.',
    },
  );
