import type { VerifyAccessToken } from './access-token.ts';
import type { AccessTokenClaims } from './claims.ts';
import type { TokenFeed } from './token-feed.ts';

export interface IntrospectTokenDeps {
  verifyIssuedToken: VerifyAccessToken;
  tokenFeed: Pick<TokenFeed, 'refresh'>;
}

/**
 * The claims of a live token of the caller's tenant. Whatever else was sent is `undefined`: foreign, expired, revoked,
 * of an agent that is not active, or no token at all. Looks at Postgres, so it tells what holds now.
 */
export const introspectToken = async (
  { verifyIssuedToken, tokenFeed }: IntrospectTokenDeps,
  tenantId: string,
  token: string,
): Promise<AccessTokenClaims | undefined> => {
  await tokenFeed.refresh();
  const claims = await verifyIssuedToken(token);
  return claims?.tenant_id === tenantId ? claims : undefined;
};
