import { clientCredentials } from './client-credentials.ts';
import type { Grant } from './grant.ts';
import { TOKEN_EXCHANGE, tokenExchange } from './token-exchange.ts';
import { OAuthError } from '../../../platform/oauth-error.ts';

/** Every grant of the token endpoint, by its `grant_type`. */
const grants: ReadonlyMap<string, Grant> = new Map([
  ['client_credentials', clientCredentials],
  [TOKEN_EXCHANGE, tokenExchange],
]);

export const grantTypes: readonly string[] = [...grants.keys()];

/** OAuthError: `unsupported_grant_type`. */
export const findGrant = (grantType: string): Grant => {
  const grant = grants.get(grantType);
  if (!grant)
    throw new OAuthError(
      'unsupported_grant_type',
      `Send one of these grant types: ${grantTypes.join(', ')}.`,
    );
  return grant;
};
