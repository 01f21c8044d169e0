import { scopes } from '../platform/principal.ts';
import { grantTypes } from '../services/tokens/grants.ts';
import { clientAuthenticationMethods } from './authenticate-client.ts';

/**
 * What the metadata documents list; a test does each of these. A list that names nothing is left out (RFC 8414
 * section 3.2), save the response types: section 2 requires them, and the MCP SDK refuses metadata without.
 */
export const supported = {
  grant_types_supported: grantTypes,
  token_endpoint_auth_methods_supported: clientAuthenticationMethods,
  token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256'],
  response_types_supported: [] as string[],
  scopes_supported: scopes,
} as const;
