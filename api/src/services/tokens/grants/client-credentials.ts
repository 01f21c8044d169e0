import { OAuthError } from '../../../platform/oauth-error.ts';
import type { Grant } from './grant.ts';
import { grantScopes } from './scopes.ts';
import { findTarget, refuseAudience } from './target.ts';

/** RFC 6749 section 4.4: a token for the client itself. */
export const clientCredentials: Grant = async (deps, client, parameters) => {
  // A client that sends a subject wants an exchange. It must not get its own token instead.
  if (parameters.subject_token !== undefined || parameters.actor_token !== undefined) {
    throw new OAuthError(
      'invalid_request',
      'subject_token and actor_token need the token-exchange grant. Change grant_type, or omit them.',
    );
  }
  refuseAudience(parameters);
  const { resourceId, identifier, scopes, tokenTtlSeconds } = await findTarget(
    deps,
    client,
    parameters.resource ?? deps.config.PUBLIC_URL,
  );
  const scope = grantScopes(parameters.scope, scopes);
  return {
    subject: client.agentId,
    audience: identifier,
    resourceId,
    scope,
    ttlSeconds: tokenTtlSeconds,
    action: 'token.issued',
    metadata: { grantType: 'client_credentials' },
  };
};
