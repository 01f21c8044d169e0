/**
 * A shell command that stores a token in the variable TOKEN. If the request fails, it prints the error. Ids and URLs have
 * no characters that need quoting.
 */
export const tokenCommand = (apiUrl: string, clientId: string): string =>
  [
    'TOKEN=$(curl --fail-with-body -sS \\',
    `  ${apiUrl}/oauth2/token \\`,
    `  -u "${clientId}:$CLIENT_SECRET" \\`,
    '  -d grant_type=client_credentials \\',
    `  | sed -n -e 's/.*"access_token":"\\([^"]*\\)".*/\\1/p' \\`,
    "    -e t -e 'w /dev/stderr')",
  ].join('\n');

/** A call of the API with the token of the same shell. */
export const callCommand = (url: string, authorization = '-H "Authorization: Bearer $TOKEN"'): string =>
  ['curl --fail-with-body -sS \\', `  ${url} \\`, `  ${authorization}`].join('\n');
