import { OAuthError } from '../../platform/oauth-error.ts';
import type { ClientAuthenticationMethod } from './method.ts';
import { presentSecret } from './secret.ts';

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined and put in base64. */
const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new OAuthError(
      'invalid_client',
      'The Basic credentials must be form-encoded (RFC 6749 section 2.3.1).',
    );
  }
};

export const clientSecretBasic: ClientAuthenticationMethod = {
  name: 'client_secret_basic',
  isUsed: ({ headers }) => headers.authorization !== undefined,
  read: (deps, { headers }) => {
    const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0)
      throw new OAuthError(
        'invalid_client',
        'Send the header Authorization: Basic base64(client_id:client_secret).',
      );
    return presentSecret(deps, formDecode(text.slice(0, colon)), formDecode(text.slice(colon + 1)));
  },
};
