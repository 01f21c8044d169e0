import { scopes } from '../platform/principal.ts';
import { grantTypes } from '../services/tokens/grants/find-grant.ts';
import { clientAuthenticationMethods } from './authenticate-client.ts';

/**
 * The values in the metadata documents. A test uses each of them. RFC 8414 requires response types (section 2) and
 * forbids an empty list (section 3.2). `none` is the registered type that returns neither a code nor a token (OAuth 2.0
 * Multiple Response Type Encoding Practices, section 4).
 */
export const supported = {
  grant_types_supported: grantTypes,
  token_endpoint_auth_methods_supported: clientAuthenticationMethods,
  token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256'],
  response_types_supported: ['none'],
  scopes_supported: scopes,
} as const;
