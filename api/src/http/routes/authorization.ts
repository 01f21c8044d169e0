import { OAuthError } from '../../services/tokens/oauth-error.ts';
import { publicRoute } from '../route.ts';

/**
 * RFC 6749 section 3.1, for clients that insist on an authorization endpoint in the metadata: agents get their tokens
 * without a browser, so there is no response type. Nobody is redirected: no client has registered where to (section
 * 4.1.2.1).
 */
export const authorizationRoute = publicRoute({
  method: 'get',
  path: '/oauth2/authorize',
  operationId: 'authorize',
  summary: 'Says that agents get their tokens at /oauth2/token, without a browser',
  tag: 'oauth2',
  access: 'public',
  errors: 'oauth',
  responses: {},
  problems: ['invalid_request'],
  handle: () => {
    throw new OAuthError(
      'unsupported_response_type',
      'No response type is supported: an agent needs no browser. Send a token request to /oauth2/token, with grant_type=client_credentials.',
    );
  },
});
