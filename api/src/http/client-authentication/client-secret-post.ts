import { OAuthError } from '../../platform/oauth-error.ts';
import type { ClientAuthenticationMethod } from './method.ts';
import { presentSecret } from './secret.ts';

export const clientSecretPost: ClientAuthenticationMethod = {
  name: 'client_secret_post',
  isUsed: ({ body }) => body.client_secret !== undefined,
  read: (deps, { body: { client_id: clientId, client_secret: clientSecret } }) => {
    if (clientId === undefined || clientSecret === undefined) {
      throw new OAuthError('invalid_client', 'Send client_id with client_secret.');
    }
    return presentSecret(deps, clientId, clientSecret);
  },
};
