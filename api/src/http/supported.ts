import { scopes } from '../platform/principal.ts';
import { grantTypes } from '../services/tokens/grants.ts';
import { clientAuthenticationMethods } from './authenticate-client.ts';

/** What the metadata documents list; a test does each of these. Empty lists are required members that name nothing. */
export const supported = {
  grant_types_supported: grantTypes,
  token_endpoint_auth_methods_supported: clientAuthenticationMethods,
  token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256'],
  response_types_supported: [] as string[],
  scopes_supported: scopes,
} as const;
