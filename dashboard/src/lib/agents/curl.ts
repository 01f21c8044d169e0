import type { NewCredential } from '@sentryagent/sdk';

type ClientCredential = Pick<NewCredential, 'clientId' | 'clientSecret'>;

/**
 * A shell command that stores a token in the variable TOKEN and prints an error if there is one. Ids and secrets have
 * no characters that need quoting.
 */
export const tokenCommand = (apiUrl: string, { clientId, clientSecret }: ClientCredential): string =>
  [
    `TOKEN=$(curl --fail-with-body -sS ${apiUrl}/oauth2/token \\`,
    `  -u '${clientId}:${clientSecret}' \\`,
    '  -d grant_type=client_credentials \\',
    `  | sed -n -e 's/.*"access_token":"\\([^"]*\\)".*/\\1/p' -e t -e 'w /dev/stderr')`,
  ].join('\n');

/** What a call demonstrates, and its command for the same shell. */
export interface FirstCall {
  words: string;
  command: string;
}

const withToken = (url: string): string =>
  `curl --fail-with-body -sS ${url} \\\n  -H "Authorization: Bearer $TOKEN"`;

/** A call that the scopes allow. Without `agents:read`, the client introspects its own token, which needs no scope. */
export const firstCall = (
  apiUrl: string,
  { clientId, clientSecret }: ClientCredential,
  scopes: readonly string[],
): FirstCall => {
  if (scopes.includes('agents:read'))
    return {
      words: 'It lists your agents and counts as one API call.',
      command: withToken(`${apiUrl}/agents`),
    };
  if (scopes.includes('billing:read'))
    return {
      words: 'It shows your usage and counts as one API call.',
      command: withToken(`${apiUrl}/billing/usage`),
    };
  return {
    words: 'It checks the token and shows its scopes.',
    command: `curl --fail-with-body -sS ${apiUrl}/oauth2/introspect \\\n  -u '${clientId}:${clientSecret}' \\\n  -d token="$TOKEN"`,
  };
};
