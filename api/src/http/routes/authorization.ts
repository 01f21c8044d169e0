import { z } from 'zod';
import { OAuthError } from '../../platform/oauth-error.ts';
import { routesOf } from '../route.ts';

const { publicRoute } = routesOf('oauth2');

const HOW = 'Send a token request to /oauth2/token, with grant_type=client_credentials.';

/**
 * RFC 6749 section 3.1, for clients that require an authorization endpoint in the metadata. The only response type is
 * `none`, which returns neither a code nor a token. It never redirects, because clients have no registered redirect URI
 * (section 4.1.2.1).
 */
export const authorizationRoute = publicRoute({
  method: 'get',
  path: '/oauth2/authorize',
  operationId: 'authorize',
  summary: 'Always returns an error: agents get tokens at /oauth2/token',
  errors: 'oauth',
  query: z.object({ response_type: z.unknown().optional() }),
  responses: {},
  problems: ['invalid_request'],
  handle: (_deps, { query }) => {
    if (query.response_type === 'none')
      throw new OAuthError(
        'access_denied',
        `This endpoint issues no codes or tokens, because agents have no browser. ${HOW}`,
      );
    throw new OAuthError(
      'unsupported_response_type',
      `This endpoint issues no codes or tokens, because agents have no browser. ${HOW}`,
    );
  },
});
