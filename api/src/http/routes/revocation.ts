import { z } from 'zod';
import { revokeToken } from '../../services/tokens/revoke-token.ts';
import { admitClient } from '../admit.ts';
import { authenticateClient } from '../authenticate-client.ts';
import { tokenFields } from '../client-authentication/fields.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { routesOf, type Route } from '../route.ts';

const { publicRoute } = routesOf('oauth2');

/** RFC 7009. */
export const revocationRoutes = ({
  clientAuthentication: limit,
}: Pick<AttemptLimits, 'clientAuthentication'>): Route[] => [
  publicRoute({
    method: 'post',
    path: '/oauth2/revoke',
    operationId: 'revokeToken',
    summary: 'Revoke a token of the client (RFC 7009)',
    body: z.object(tokenFields),
    bodyType: 'form',
    errors: 'oauth',
    responses: {
      200: { description: 'The token is not active, or it belongs to another client', schema: null },
    },
    problems: ['unauthorized', 'rate_limited'],
    handle: async (deps, request) => {
      const client = await authenticateClient(deps, limit, request);
      request.setHeaders(await admitClient(deps, client, 'revocation'));
      await revokeToken(deps, client, request.body.token, request.origin);
      return { status: 200 };
    },
  }),
];
