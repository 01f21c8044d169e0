import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { answerDocument, toDocument } from '../documents.ts';
import { routesOf, type Route } from '../route.ts';
import { supported } from '../supported.ts';

const { publicRoute } = routesOf('discovery');

const list = z.array(z.string());

const serverSchema = z
  .object({
    issuer: z.string(),
    authorization_endpoint: z.string(),
    token_endpoint: z.string(),
    introspection_endpoint: z.string(),
    revocation_endpoint: z.string(),
    jwks_uri: z.string(),
    grant_types_supported: list,
    response_types_supported: list,
    scopes_supported: list,
    token_endpoint_auth_methods_supported: list,
    introspection_endpoint_auth_methods_supported: list,
    revocation_endpoint_auth_methods_supported: list,
    token_endpoint_auth_signing_alg_values_supported: list,
    introspection_endpoint_auth_signing_alg_values_supported: list,
    revocation_endpoint_auth_signing_alg_values_supported: list,
  })
  .meta({ id: 'AuthorizationServerMetadata', description: 'RFC 8414' });

const openIdSchema = serverSchema
  .extend({ subject_types_supported: list })
  .meta({ id: 'OpenIdConfiguration', description: 'OpenID Connect Discovery 1.0' });

const resourceSchema = z
  .object({
    resource: z.string(),
    authorization_servers: list,
    scopes_supported: list,
    bearer_methods_supported: list,
    resource_name: z.string(),
  })
  .meta({ id: 'ProtectedResourceMetadata', description: 'RFC 9728' });

const keySetSchema = z
  .object({
    keys: z.array(
      z.object({
        kty: z.string(),
        crv: z.string(),
        x: z.string(),
        y: z.string(),
        kid: z.string(),
        alg: z.string(),
        use: z.string(),
      }),
    ),
  })
  .meta({ id: 'JsonWebKeySet', description: 'RFC 7517' });

const serverMetadata = (issuer: string) => {
  const methods = supported.token_endpoint_auth_methods_supported;
  const algorithms = supported.token_endpoint_auth_signing_alg_values_supported;
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    ...supported,
    introspection_endpoint_auth_methods_supported: [...methods, 'Bearer'],
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
  };
};

/**
 * We issue no ID tokens, so no ID token algorithms are listed. The document is for clients that look up the endpoints
 * here.
 */
const openIdMetadata = (issuer: string) => ({
  ...serverMetadata(issuer),
  subject_types_supported: ['public'],
});

const resourceMetadata = (issuer: string) => ({
  resource: issuer,
  authorization_servers: [issuer],
  scopes_supported: supported.scopes_supported,
  bearer_methods_supported: ['header'],
  resource_name: 'SentryAgent API',
});

interface WellKnown {
  path: string;
  operationId: string;
  summary: string;
  schema: z.ZodType;
}

const documentRoute = (
  { path, operationId, summary, schema }: WellKnown,
  read: (deps: Deps) => unknown,
): Route =>
  publicRoute({
    method: 'get',
    path: `/.well-known/${path}`,
    operationId,
    summary,
    crossOrigin: true,
    responses: {
      200: { description: 'The document', schema },
      304: { description: 'Not modified', schema: null },
    },
    handle: async (deps, request) => answerDocument(toDocument(schema.parse(read(deps))), request),
  });

export const discoveryRoutes: Route[] = [
  documentRoute(
    {
      path: 'oauth-authorization-server',
      operationId: 'getAuthorizationServer',
      summary: 'Get the metadata of the authorization server (RFC 8414)',
      schema: serverSchema,
    },
    ({ config }) => serverMetadata(config.PUBLIC_URL),
  ),
  documentRoute(
    {
      path: 'openid-configuration',
      operationId: 'getOpenIdConfiguration',
      summary: 'Get the same metadata at the OpenID Connect path',
      schema: openIdSchema,
    },
    ({ config }) => openIdMetadata(config.PUBLIC_URL),
  ),
  documentRoute(
    {
      path: 'oauth-protected-resource',
      operationId: 'getProtectedResource',
      summary: 'Get the metadata of the API as a protected resource (RFC 9728)',
      schema: resourceSchema,
    },
    ({ config }) => resourceMetadata(config.PUBLIC_URL),
  ),
  documentRoute(
    {
      path: 'jwks.json',
      operationId: 'getKeys',
      summary: 'Get the keys that verify access tokens (RFC 7517)',
      schema: keySetSchema,
    },
    ({ signingKeys }) => ({ keys: signingKeys.published }),
  ),
];
