import { z } from 'zod';
import { issueToken } from '../../services/tokens/issue-token.ts';
import { OAuthError } from '../../services/tokens/oauth-error.ts';
import { admitClient } from '../admit.ts';
import { authenticateClient } from '../authenticate-client.ts';
import { clientFields } from '../client-authentication/fields.ts';
import type { Doors } from '../doors.ts';
import { publicRoute } from '../route.ts';
import type { Route } from '../route.ts';

const body = z.object({
  grant_type: z.string().meta({ description: '`client_credentials`' }),
  scope: z.string().max(512).optional().meta({ description: 'Space-separated; none asked is all granted.' }),
  ...clientFields,
});

const response = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.string(),
  })
  .meta({ id: 'TokenResponse' });

/** RFC 6749 sections 3.2, 4.4 and 5. */
export const tokenRoutes = ({ clientAuthentication: door }: Pick<Doors, 'clientAuthentication'>): Route[] => [
  publicRoute({
    method: 'post',
    path: '/oauth2/token',
    operationId: 'issueToken',
    summary: 'Issue an access token (client_credentials)',
    tag: 'oauth2',
    access: 'public',
    body,
    bodyType: 'form',
    errors: 'oauth',
    responses: { 200: { description: 'The token', schema: response } },
    problems: ['unauthorized', 'rate_limited'],
    handle: async (deps, request) => {
      const { grant_type: grantType, scope } = request.body;
      if (grantType !== 'client_credentials') {
        throw new OAuthError('unsupported_grant_type', 'Supported: client_credentials.');
      }
      const client = await authenticateClient(deps, door, request);
      const headers = await admitClient(deps, client.tenantId, client.agentId);
      const token = await issueToken(deps, client, { scope, origin: request.origin });
      return {
        status: 200,
        headers: { ...headers, Pragma: 'no-cache' },
        body: {
          access_token: token.accessToken,
          token_type: 'Bearer',
          expires_in: token.expiresIn,
          scope: token.scope,
        },
      };
    },
  }),
];
