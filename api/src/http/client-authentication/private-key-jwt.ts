import { ASSERTION_TYPE, clientOfAssertion } from '../../services/clients/authenticate-assertion.ts';
import { OAuthError } from '../../platform/oauth-error.ts';
import type { ClientAuthenticationMethod } from './method.ts';

/** RFC 7521 section 4.2 and RFC 7523 section 2.2. */
export const privateKeyJwt: ClientAuthenticationMethod = {
  name: 'private_key_jwt',
  isUsed: ({ body }) => body.client_assertion !== undefined || body.client_assertion_type !== undefined,
  read: ({ authenticateAssertion }, { body }) => {
    const { client_assertion: assertion, client_assertion_type: type } = body;
    if (assertion === undefined || type !== ASSERTION_TYPE) {
      throw new OAuthError(
        'invalid_request',
        `Send client_assertion with client_assertion_type=${ASSERTION_TYPE}.`,
      );
    }
    return { clientId: clientOfAssertion(assertion), prove: () => authenticateAssertion(assertion) };
  },
};
