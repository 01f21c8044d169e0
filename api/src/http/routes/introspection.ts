import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { introspectToken } from '../../services/tokens/introspect-token.ts';
import { admitClient } from '../admit.ts';
import { authenticateAgent, requireScopes } from '../authenticate.ts';
import { authenticateClient } from '../authenticate-client.ts';
import { tokenFields } from '../client-authentication/fields.ts';
import type { AttemptLimit, AttemptLimits } from '../attempt-limits.ts';
import { routesOf, type Route } from '../route.ts';

const { publicRoute } = routesOf('oauth2');

const actor = z
  .object({
    iss: z.string(),
    sub: z.string(),
    get act() {
      return actor.optional();
    },
  })
  .meta({ id: 'Actor', description: 'Who acts for the subject (RFC 8693 section 4.1).' });

const response = z
  .object({
    active: z.boolean(),
    token_type: z.literal('Bearer').optional(),
    iss: z.string().optional(),
    aud: z.string().optional(),
    sub: z.string().optional(),
    client_id: z.string().optional(),
    act: actor.optional(),
    tenant_id: z.string().optional(),
    credential_id: z
      .string()
      .optional()
      .meta({ description: 'The credential that the client authenticated with.' }),
    credential_generation: z
      .int()
      .optional()
      .meta({ description: 'The number of the secret within the credential, from 0.' }),
    exchanged_from: z
      .array(
        z.object({ jti: z.string(), credential_id: z.string(), credential_generation: z.int().optional() }),
      )
      .optional()
      .meta({
        description:
          'The tokens that this one was exchanged from, newest first. It is revoked with any of them.',
      }),
    scope: z.string().optional(),
    jti: z.string().optional(),
    iat: z.int().optional().meta({ description: 'Seconds since 1970, as is `exp`.' }),
    exp: z.int().optional(),
  })
  .meta({
    id: 'Introspection',
    description: 'RFC 7662 section 2.2. If `active` is false, there are no other members.',
  });

const bearerScopes = ['tokens:read'] as const;

interface Asking {
  tenantId: string;
  agentId: string;
}

/** The caller is a client, or an agent whose token has `tokens:read`: a service needs no secret to introspect. */
const identify = async (
  deps: Deps,
  limit: AttemptLimit,
  request: Parameters<typeof authenticateClient>[2],
): Promise<Asking> => {
  const { headers } = request;
  const authorization = headers.authorization ?? '';
  if (!/^Bearer(?: |$)/i.test(authorization)) return authenticateClient(deps, limit, request);
  const principal = await authenticateAgent(deps, authorization);
  requireScopes(principal, bearerScopes);
  return { tenantId: principal.tenantId, agentId: principal.id };
};

/** RFC 7662. */
export const introspectionRoutes = ({
  clientAuthentication: limit,
}: Pick<AttemptLimits, 'clientAuthentication'>): Route[] => [
  publicRoute({
    method: 'post',
    path: '/oauth2/introspect',
    operationId: 'introspectToken',
    summary: 'Check whether a token of your tenant is active, and read its claims',
    bearerScopes,
    body: z.object(tokenFields),
    bodyType: 'form',
    errors: 'oauth',
    responses: { 200: { description: 'The state of the token', schema: response } },
    problems: ['unauthorized', 'forbidden', 'rate_limited'],
    handle: async (deps, request) => {
      const asking = await identify(deps, limit, request);
      request.setHeaders(await admitClient(deps, asking, 'introspection'));
      const claims = await introspectToken(deps, asking.tenantId, request.body.token);
      const body = claims ? { active: true, token_type: 'Bearer', ...claims } : { active: false };
      return { status: 200, body };
    },
  }),
];
