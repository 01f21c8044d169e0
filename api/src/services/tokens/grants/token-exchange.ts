import { isId } from '../../../platform/ids.ts';
import { actorsOf, lineOf, type AccessTokenClaims, type Actor } from '../claims.ts';
import type { Client } from '../../clients/client.ts';
import { OAuthError } from '../../../platform/oauth-error.ts';
import { isResource } from '../../../platform/resource-uri.ts';
import type { Grant, GrantDeps, TokenParameters } from './grant.ts';
import { grantScopes } from './scopes.ts';
import { findTarget, refuseAudience } from './target.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** The maximum number of actors in a token. With more, it is unclear who is responsible. */
const MAX_CHAIN = 3;

const refuse = (description: string): OAuthError => new OAuthError('invalid_request', description);

/** RFC 8693 section 2.1. A missing parameter is an error. There are no defaults for it. */
const checkParameters = (parameters: TokenParameters): { subjectToken: string } => {
  const { subject_token: subjectToken, subject_token_type: subjectType } = parameters;
  if (subjectToken === undefined) throw refuse('Send subject_token: the access token to exchange.');
  if (subjectType !== ACCESS_TOKEN) throw refuse(`subject_token_type must be ${ACCESS_TOKEN}.`);
  if ((parameters.requested_token_type ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
    throw refuse(`requested_token_type must be ${ACCESS_TOKEN}, or omitted.`);
  if ((parameters.actor_token === undefined) !== (parameters.actor_token_type === undefined))
    throw refuse('Send actor_token and actor_token_type together, or neither.');
  if ((parameters.actor_token_type ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
    throw refuse(`actor_token_type must be ${ACCESS_TOKEN}.`);
  return { subjectToken };
};

/** Returns the claims of a valid access token of the client's tenant. All others get the same error. */
const readSubject = async (
  { verifyIssuedToken }: GrantDeps,
  { tenantId }: Client,
  subjectToken: string,
): Promise<AccessTokenClaims> => {
  const subject = await verifyIssuedToken(subjectToken);
  if (!subject || subject.tenant_id !== tenantId || !isId('agt', subject.sub)) {
    throw refuse('subject_token must be a valid access token of an agent of your tenant. Get a new one.');
  }
  return subject;
};

/** The actor is always the authenticated client. An actor token can only confirm it. */
const checkActor = async (
  { verifyIssuedToken, config }: GrantDeps,
  client: Client,
  actorToken: string | undefined,
): Promise<void> => {
  if (actorToken === undefined) return;
  const actor = await verifyIssuedToken(actorToken);
  if (actor?.aud !== config.PUBLIC_URL || actor.sub !== client.agentId || actor.act) {
    throw refuse(
      'actor_token must be a valid access token that this client got for this API. Omit it, or get a new one.',
    );
  }
};

const extendChain = (issuer: string, client: Client, subject: AccessTokenClaims): Actor => {
  if (actorsOf(subject).length >= MAX_CHAIN) {
    throw refuse(`The subject token was already exchanged by ${MAX_CHAIN} agents, which is the maximum.`);
  }
  return { iss: issuer, sub: client.agentId, ...(subject.act && { act: subject.act }) };
};

/**
 * RFC 8693: the client acts for the agent of the subject token. The new token is for the same resource, has only scopes
 * that both hold, and expires no later.
 */
export const tokenExchange: Grant = async (deps, client, parameters) => {
  const { subjectToken } = checkParameters(parameters);
  refuseAudience(parameters);
  const subject = await readSubject(deps, client, subjectToken);
  await checkActor(deps, client, parameters.actor_token);
  const act = extendChain(deps.config.PUBLIC_URL, client, subject);
  if (parameters.resource !== undefined && !isResource(parameters.resource, subject.aud)) {
    throw new OAuthError('invalid_target', 'resource must be the resource of the subject token. Omit it.');
  }
  const target = await findTarget(deps, client, subject.aud);
  // We issue tokens only with the exact identifier of the resource.
  if (target.identifier !== subject.aud)
    throw refuse('The resource of subject_token does not exist. Get a new subject token.');
  const held = subject.scope.split(' ');
  const grantable = target.scopes.filter((scope) => held.includes(scope));
  return {
    subject: subject.sub,
    act,
    exchangedFrom: lineOf(subject),
    audience: target.identifier,
    resourceId: target.resourceId,
    scope: grantScopes(parameters.scope, grantable),
    ttlSeconds: target.tokenTtlSeconds,
    notAfter: subject.exp,
    agentIds: [subject.sub, ...actorsOf(subject)],
    action: 'token.exchanged',
    metadata: { grantType: TOKEN_EXCHANGE, subject: subject.sub, subjectTokenId: subject.jti, act },
    issuedTokenType: ACCESS_TOKEN,
  };
};
