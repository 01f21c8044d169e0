import type { Clock } from '../../platform/clock.ts';
import { newId } from '../../platform/ids.ts';
import type { Origin, Scope } from '../../platform/principal.ts';
import { succeeded } from '../audit/entry.ts';
import type { Ledger } from '../audit/ledger.ts';
import { signAccessToken } from './access-token.ts';
import type { Client } from './authenticate-client.ts';
import { OAuthError } from './oauth-error.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface TokenDeps {
  ledger: Ledger;
  signingKeys: SigningKeys;
  clock: Clock;
  config: { PUBLIC_URL: string; TOKEN_TTL_SECONDS: number };
}

export interface IssuedToken {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  scope: string;
}

/** No scope asked is every scope granted (RFC 6749 section 3.3); one that isn't granted refuses the request. */
const grantScopes = (asked: string | undefined, granted: readonly Scope[]): string => {
  if (asked === undefined) return granted.join(' ');
  const wanted = new Set(asked.split(' ').filter((scope) => scope !== ''));
  const extra = [...wanted].find((scope) => !granted.includes(scope as Scope));
  if (extra !== undefined || wanted.size === 0) {
    throw new OAuthError('invalid_scope', `This agent is granted: ${granted.join(' ')}.`);
  }
  return granted.filter((scope) => wanted.has(scope)).join(' ');
};

/** Signs a token and answers once its audit entry and its count are committed: no audit, no token. */
export const issueToken = async (
  { ledger, signingKeys, clock, config }: TokenDeps,
  client: Client,
  { scope: asked, origin }: { scope: string | undefined; origin: Origin },
): Promise<IssuedToken> => {
  const scope = grantScopes(asked, client.scopes);
  const now = clock();
  const jti = newId('evt', now.getTime());
  const iat = Math.floor(now.getTime() / 1_000);
  const accessToken = await signAccessToken(signingKeys, {
    iss: config.PUBLIC_URL,
    aud: config.PUBLIC_URL,
    sub: client.agentId,
    client_id: client.agentId,
    tenant_id: client.tenantId,
    scope,
    jti,
    iat,
    exp: iat + config.TOKEN_TTL_SECONDS,
  });
  const entry = succeeded(
    { actor: { tenantId: client.tenantId, kind: 'agent', id: client.agentId }, origin, at: now },
    {
      eventId: jti,
      action: 'token.issued',
      agentId: client.agentId,
      metadata: { credentialId: client.credentialId, grantType: 'client_credentials', scope },
    },
  );
  const recorded = await ledger.record(entry, client.credentialId, client.generation);
  if (recorded === 'not_live') throw new OAuthError('invalid_client', 'The client is not active.');
  return { accessToken, expiresIn: config.TOKEN_TTL_SECONDS, scope };
};
