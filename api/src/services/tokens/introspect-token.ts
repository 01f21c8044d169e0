import type { VerifyAccessToken } from './access-token.ts';
import type { AccessTokenClaims } from './claims.ts';
import type { TokenFeed } from './token-feed.ts';

export interface IntrospectTokenDeps {
  verifyIssuedToken: VerifyAccessToken;
  tokenFeed: Pick<TokenFeed, 'refresh'>;
}

/**
 * Returns the claims of an active token of the caller's tenant, else `undefined`: foreign, expired, revoked, of an agent
 * that is not active, or not a token. Reads from Postgres, so the result is current.
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
