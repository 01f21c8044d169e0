import { OAuthError } from '../../../platform/oauth-error.ts';

/** Default: all grantable scopes (RFC 6749 section 3.3). Any other scope is refused. */
export const grantScopes = (asked: string | undefined, grantable: readonly string[]): string => {
  const wanted = asked === undefined ? new Set(grantable) : new Set(asked.split(' ').filter(Boolean));
  const extra = [...wanted].find((scope) => !grantable.includes(scope));
  if (extra !== undefined || wanted.size === 0) {
    throw new OAuthError(
      'invalid_scope',
      `This agent can request these scopes: ${grantable.join(' ') || 'none'}.`,
    );
  }
  return grantable.filter((scope) => wanted.has(scope)).join(' ');
};
