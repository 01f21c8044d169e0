import { Agent } from '../../models/agent.ts';
import { Credential } from '../../models/credential.ts';
import type { Transaction } from '../../platform/database.ts';
import { speakersOf } from '../../platform/principal.ts';
import type { PresentedToken, Principal, Scope, ShownCredential } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { grantsBeyond, readGrantsOf } from '../resource-grants/resource-grants.ts';
import type { ResourceGrant } from '../resource-grants/resource-grants.ts';

/**
 * A request can never grant more than its token has. An agent's token may be older than a change of its agent or
 * credential, so what it is worth is read from their rows. These stay locked: nothing of it ends before the act that
 * relies on it. Whoever changes an agent's grants locks its row, too.
 */

/** What somebody may hold: scopes of the API, and of the tenant's resources. A credential is worth all that its agent has. */
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

/** What everyone proved themselves with whom the token speaks for. */
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
 * An exchange outlives nothing that the token before it relies on. Problem: `forbidden`, where a credential of the line
 * has ended, or a secret of it was replaced.
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

/** Everyone that the token speaks for, while all of them are active; else nobody. */
const lockSpeakers = async (trx: Transaction, principal: Principal): Promise<Agent[]> => {
  const ids = speakersOf(principal);
  const agents = await Agent.query(trx)
    .where({ tenant_id: principal.tenantId, status: 'active' })
    .whereIn('id', ids)
    .orderBy('id')
    .forShare();
  return agents.length === ids.length ? agents : [];
};

/** The token's agents, and its scopes that all of them still hold. Problem: `forbidden`, for a credential of the line that has ended. */
const readStanding = async (
  trx: Transaction,
  principal: Principal,
  token: PresentedToken,
  now: Date,
): Promise<{ agents: Agent[]; scopes: readonly Scope[] }> => {
  // Agents before credentials, as everybody locks them: who guards an agent must not have to wait for its own calls.
  const agents = await lockSpeakers(trx, principal);
  await checkCredentials(trx, principal.tenantId, token, now);
  const holds = (scope: Scope): boolean =>
    agents.length > 0 && agents.every((agent) => agent.scopes.includes(scope));
  return { agents, scopes: principal.scopes.filter(holds) };
};

/** The caller's scopes as they stand; a member's follow the role. Problem: `forbidden`. */
export const heldScopes = async (
  trx: Transaction,
  principal: Principal,
  now: Date,
): Promise<readonly Scope[]> =>
  principal.token ? (await readStanding(trx, principal, principal.token, now)).scopes : principal.scopes;

/** Lets a token act only while every credential behind it works, whatever the act needs. Problem: `forbidden`. */
export const checkStanding = async (trx: Transaction, principal: Principal, now: Date): Promise<void> => {
  await heldScopes(trx, principal, now);
};

/** One that speaks for its agent alone, and has every scope that the agent has: it is worth as much as a credential. */
const isWhole = (token: PresentedToken, scopes: readonly Scope[], [agent, ...others]: Agent[]): boolean =>
  token.actors.length === 0 &&
  agent !== undefined &&
  others.length === 0 &&
  agent.scopes.every((scope) => scopes.includes(scope));

/**
 * What the caller lacks of these. Of the API it holds the scopes that everyone the token speaks for still holds; of
 * resources, what the agent was granted, if the token is whole. A member's scopes follow the role, and who may change
 * agents may grant any resource.
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

/** Problem: `forbidden`, naming what the caller lacks. */
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

/** Nobody grants what they do not hold; owners and admins hold everything. Problem: `forbidden`. */
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

/** During an overlap the old secret gets tokens, but has no say in what comes after it. Problem: `forbidden`. */
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
 * Whether the caller may have a credential of the agent made or replaced: it is worth all that the agent holds, and
 * outlives the token. An agent's own is no exception. Problem: `forbidden`.
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

/** Whether the caller may change or end something of the agent: not of one that holds more. Problem: `forbidden`. */
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

/** Whether the caller may end what agents were granted of a resource: all of it has to be the caller's, too. Problem: `forbidden`. */
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
