import { scopes } from '../platform/principal.ts';

/** What the metadata documents list; a test does each of these. Empty lists are required members that name nothing. */
export const supported = {
  grant_types_supported: ['client_credentials'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  response_types_supported: [] as string[],
  scopes_supported: scopes,
} as const;
