import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import type { Client } from '../../services/tokens/authenticate-client.ts';
import { issueToken } from '../../services/tokens/issue-token.ts';
import { OAuthError } from '../../services/tokens/oauth-error.ts';
import { admitClient } from '../admit.ts';
import { addressKey } from '../doors.ts';
import type { Doors } from '../doors.ts';
import { publicRoute } from '../route.ts';
import type { Request, Route } from '../route.ts';

const body = z.object({
  grant_type: z.string().meta({ description: '`client_credentials`' }),
  scope: z.string().max(512).optional().meta({ description: 'Space-separated; none asked is all granted.' }),
  client_id: z.string().max(128).optional().meta({ description: 'Where the client is not named by Basic.' }),
  client_secret: z.string().max(256).optional(),
});

interface ClientCredentials {
  clientId: string;
  clientSecret: string;
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined and put in base64. */
const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new OAuthError('invalid_client', 'The Basic credentials are not form-encoded.');
  }
};

const readBasic = (authorization: string): ClientCredentials => {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization) ?? [];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0)
    throw new OAuthError('invalid_client', 'Send "Authorization: Basic base64(client_id:client_secret)".');
  return { clientId: formDecode(text.slice(0, colon)), clientSecret: formDecode(text.slice(colon + 1)) };
};

/** One method of authentication per request (RFC 6749 section 2.3). */
const readCredentials = ({
  headers,
  body: form,
}: Request<unknown, unknown, z.output<typeof body>>): ClientCredentials => {
  const authorization = headers.get('authorization');
  const { client_id: clientId, client_secret: clientSecret } = form;
  if (authorization !== null) {
    const basic = readBasic(authorization);
    if (clientSecret !== undefined || (clientId !== undefined && clientId !== basic.clientId)) {
      throw new OAuthError('invalid_request', 'Use one method of client authentication, not two.');
    }
    return basic;
  }
  if (clientId === undefined || clientSecret === undefined) {
    throw new OAuthError('invalid_client', 'Send the client id and secret by Basic or in the body.');
  }
  return { clientId, clientSecret };
};

const authenticateClient = async (
  { authenticateClient: find }: Pick<Deps, 'authenticateClient'>,
  { clientAuthentication: door }: Doors,
  { clientId, clientSecret }: ClientCredentials,
  ip: string,
): Promise<Client> => {
  const key = `${clientId.slice(0, 64)} ${addressKey(ip)}`;
  door.checkOpen(key);
  const client = await find(clientId, clientSecret);
  if (client) return client;
  await door.knock(key);
  throw new OAuthError('invalid_client', 'Unknown client, or wrong secret.');
};

const response = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.string(),
  })
  .meta({ id: 'TokenResponse' });

/** RFC 6749 sections 3.2, 4.4 and 5. */
export const tokenRoutes = (doors: Doors): Route[] => [
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
      const client = await authenticateClient(deps, doors, readCredentials(request), request.origin.ip);
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
