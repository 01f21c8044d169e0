import { OAuthError } from '../../services/tokens/oauth-error.ts';
import type { ClientAuthenticationDeps, Presented } from './method.ts';

/** A client id and secret, wherever they stood. */
export const presentSecret = (
  { authenticateClient }: ClientAuthenticationDeps,
  clientId: string,
  clientSecret: string,
): Presented => ({
  clientId,
  prove: async () => {
    const client = await authenticateClient(clientId, clientSecret);
    if (!client) throw new OAuthError('invalid_client', 'Unknown client, or wrong secret.');
    return client;
  },
});
