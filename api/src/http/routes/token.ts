import { z } from 'zod';
import { findGrant, grantTypes } from '../../services/tokens/grants/find-grant.ts';
import { issueToken } from '../../services/tokens/issue-token.ts';
import { admitClient } from '../admit.ts';
import { noteRefusal, proveClient } from '../authenticate-client.ts';
import { clientFields } from '../client-authentication/fields.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { routesOf, type Route } from '../route.ts';

const { publicRoute } = routesOf('oauth2');

const of = (max: number, description: string) => z.string().max(max).optional().meta({ description });

const body = z.object({
  grant_type: z.string().meta({ description: grantTypes.map((type) => `\`${type}\``).join(' or ') }),
  scope: of(2_048, 'Space-separated. Default: all granted scopes.'),
  resource: of(
    2_048,
    'The resource that the token is for (RFC 8707): the API (default), or one of `/resources` for which the agent has scopes.',
  ),
  ...clientFields,
  subject_token: of(8_192, 'Token exchange: the access token of the agent to act for.'),
  subject_token_type: of(128, '`urn:ietf:params:oauth:token-type:access_token`'),
  actor_token: of(8_192, 'Token exchange: an access token of the client itself. Optional.'),
  actor_token_type: of(128, '`urn:ietf:params:oauth:token-type:access_token`'),
  requested_token_type: of(128, '`urn:ietf:params:oauth:token-type:access_token`, which is the default.'),
  audience: of(2_048, 'Not supported. Use `resource`.'),
});

const response = z
  .object({
    access_token: z.string(),
    issued_token_type: z.string().optional().meta({ description: 'Only for an exchanged token (RFC 8693).' }),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.string(),
  })
  .meta({ id: 'TokenResponse' });

/** RFC 6749 sections 3.2, 4.4 and 5; RFC 8693. */
export const tokenRoutes = ({
  clientAuthentication: limit,
}: Pick<AttemptLimits, 'clientAuthentication'>): Route[] => [
  publicRoute({
    method: 'post',
    path: '/oauth2/token',
    operationId: 'issueToken',
    summary: 'Issue an access token (client_credentials, token-exchange)',
    body,
    bodyType: 'form',
    errors: 'oauth',
    responses: { 200: { description: 'The token', schema: response } },
    problems: ['unauthorized', 'rate_limited'],
    handle: async (deps, request) => {
      const grant = findGrant(request.body.grant_type);
      const client = await proveClient(deps, limit, request);
      request.setHeaders(await admitClient(deps, client));
      const decision = await grant(deps, client, request.body);
      const token = await issueToken(deps, client, decision, request.origin).catch(
        noteRefusal(deps, client.agentId, request.origin),
      );
      return {
        status: 200,
        headers: { Pragma: 'no-cache' },
        body: {
          access_token: token.accessToken,
          issued_token_type: token.issuedTokenType,
          token_type: 'Bearer',
          expires_in: token.expiresIn,
          scope: token.scope,
        },
      };
    },
  }),
];
