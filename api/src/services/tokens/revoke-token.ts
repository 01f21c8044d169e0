import type { Clock } from '../../platform/clock.ts';
import { credentialOfSecret } from '../../platform/client-secret.ts';
import type { Database } from '../../platform/database.ts';
import type { Origin } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';
import type { VerifyAccessToken } from './access-token.ts';
import type { AccessTokenClaims } from './claims.ts';
import type { Client } from '../clients/client.ts';
import { OAuthError } from '../../platform/oauth-error.ts';
import type { TokenFeed } from './token-feed.ts';

export interface RevokeTokenDeps {
  db: Database;
  clock: Clock;
  verifyIssuedToken: VerifyAccessToken;
  tokenFeed: Pick<TokenFeed, 'refresh'>;
}

const record = (
  { db, clock }: RevokeTokenDeps,
  { jti, exp }: AccessTokenClaims,
  { tenantId, agentId, credentialId }: Client,
  origin: Origin,
): Promise<void> =>
  db.withTenant(tenantId, async (trx) => {
    const rows = await trx('revoked_tokens')
      .insert({ tenant_id: tenantId, jti, expires_at: new Date(exp * 1_000) })
      .onConflict()
      .ignore()
      .returning('jti');
    if (rows.length === 0) return;
    const act = { actor: { tenantId, kind: 'agent' as const, id: agentId }, origin, at: clock() };
    await appendAudit(
      trx,
      succeeded(act, { action: 'token.revoked', agentId, metadata: { jti, credentialId } }),
    );
  });

/**
 * Revokes a token of the client. The revocation is committed when this resolves. A token of another client, or an
 * inactive one, is ignored without an error (RFC 7009 section 2.2).
 */
export const revokeToken = async (
  deps: RevokeTokenDeps,
  client: Client,
  token: string,
  origin: Origin,
): Promise<void> => {
  if (credentialOfSecret(token)) {
    throw new OAuthError(
      'unsupported_token_type',
      'This is a client secret, not a token. Revoke its credential instead.',
    );
  }
  const claims = await deps.verifyIssuedToken(token);
  if (claims?.tenant_id !== client.tenantId || claims.client_id !== client.agentId) return;
  await record(deps, claims, client, origin);
  // Other processes get a notification. This one reads before it responds, or before it accepts the next token.
  await deps.tokenFeed.refresh().catch(() => {});
};
