import type { Clock } from '../../platform/clock.ts';
import { newId } from '../../platform/ids.ts';
import type { Origin } from '../../platform/principal.ts';
import { succeeded } from '../audit/entry.ts';
import type { UnmetCondition } from './commit-group.ts';
import type { Ledger } from './ledger.ts';
import { signAccessToken } from './access-token.ts';
import type { Client } from '../clients/client.ts';
import { notLive, replayed } from '../clients/confirm-client.ts';
import type { Decision } from './decision.ts';
import { OAuthError } from '../../platform/oauth-error.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

export interface TokenDeps {
  ledger: Ledger;
  signingKeys: SigningKeys;
  clock: Clock;
  config: { PUBLIC_URL: string };
}

export interface IssuedToken {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  scope: string;
  issuedTokenType: string | undefined;
}

const refusals: Readonly<Record<UnmetCondition, (client: Client) => OAuthError>> = {
  not_live: notLive,
  subject_not_live: () =>
    new OAuthError(
      'invalid_request',
      'An agent of subject_token is not active. Reactivate it, then get a new subject_token.',
    ),
  scope_lost: () =>
    new OAuthError('invalid_scope', 'The scopes of an agent were just reduced. Send the request again.'),
  replayed,
};

/** Returns the token, or the condition that was not met. */
const tryToIssue = async (
  { ledger, signingKeys, clock, config }: TokenDeps,
  client: Client,
  decision: Decision,
  origin: Origin,
): Promise<IssuedToken | UnmetCondition> => {
  const { tenantId, agentId, credentialId, generation = 0, assertion } = client;
  const { subject, act, exchangedFrom, audience, scope, ttlSeconds, notAfter = Infinity } = decision;
  const { agentIds = [] } = decision;
  const now = clock();
  const jti = newId('evt', now.getTime());
  const iat = Math.floor(now.getTime() / 1_000);
  const exp = Math.min(iat + ttlSeconds, notAfter);
  if (exp <= iat) throw new OAuthError('invalid_request', 'subject_token has expired. Get a new one.');
  const claims = {
    iss: config.PUBLIC_URL,
    aud: audience,
    sub: subject,
    client_id: agentId,
    ...(act && { act }),
    tenant_id: tenantId,
    credential_id: credentialId,
    credential_generation: generation,
    ...(exchangedFrom && { exchanged_from: exchangedFrom }),
    scope,
    jti,
    iat,
    exp,
  };
  // Throws if the key cannot be decrypted, before anything is recorded.
  const { current } = signingKeys;
  const entry = succeeded(
    { actor: { tenantId, kind: 'agent', id: agentId }, origin, at: now },
    {
      eventId: jti,
      action: decision.action,
      agentId,
      metadata: { credentialId, scope, resource: audience, ...decision.metadata },
    },
  );
  const scopes = scope.split(' ');
  const conditions = {
    credentialId,
    generation,
    agentIds,
    scopes,
    resourceId: decision.resourceId,
    assertion,
  };
  const recorded = await ledger.record(entry, conditions, () => signAccessToken({ current }, claims));
  if (recorded.outcome !== 'committed') return recorded.outcome;
  const { made: accessToken } = recorded;
  return { accessToken, expiresIn: exp - iat, scope, issuedTokenType: decision.issuedTokenType };
};

/**
 * Returns a token after its audit entry and its count are committed: no audit entry, no token. The token is signed while
 * the commit runs. A cached client is read again before it is refused.
 */
export const issueToken = async (
  deps: TokenDeps,
  client: Client,
  decision: Decision,
  origin: Origin,
): Promise<IssuedToken> => {
  const issued = await tryToIssue(deps, client, decision, origin);
  if (typeof issued === 'object') return issued;
  if (issued !== 'not_live' || !client.proveAnew) throw refusals[issued](client);
  return issueToken(deps, await client.proveAnew(), decision, origin);
};
