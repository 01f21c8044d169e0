import { generateKeyPairSync } from 'node:crypto';
import { Provider, type Configuration } from 'oidc-provider';
import { createEqualWork } from './equal-work.ts';
import { SCOPE, TOKEN_SECONDS, readSettings } from './settings.ts';

/**
 * node-oidc-provider, set up as in its documentation. It issues the same token as ours: a JWT of RFC 9068, signed with
 * ES256.
 */
const { port, clients, equalWork } = readSettings();
const issuer = `http://127.0.0.1:${port}`;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };

const configuration: Configuration = {
  clients: clients.map(({ clientId, clientSecret }) => ({
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: SCOPE,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
  })),
  jwks: { keys: [jwk as never] },
  routes: { token: '/oauth2/token' },
  scopes: [SCOPE],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      getResourceServerInfo: () => ({
        scope: SCOPE,
        audience: issuer,
        accessTokenTTL: TOKEN_SECONDS,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
};

const provider = new Provider(issuer, configuration);
if (equalWork) provider.use(await createEqualWork(equalWork, clients));
provider.listen(port, '127.0.0.1');
