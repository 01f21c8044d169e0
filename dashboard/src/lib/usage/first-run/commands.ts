/** A shell command that stores a token in the variable TOKEN. If the request fails, it prints the error. */
export const tokenCommand = (apiUrl: string): string =>
  [
    `TOKEN=$(curl --fail-with-body -sS ${apiUrl}/oauth2/token \\`,
    '  -u "$CLIENT_ID:$CLIENT_SECRET" \\',
    '  -d grant_type=client_credentials \\',
    `  | sed -n -e 's/.*"access_token":"\\([^"]*\\)".*/\\1/p' -e t -e 'w /dev/stderr')`,
  ].join('\n');

/** Lists the agents with the token of the same shell. */
export const callCommand = (apiUrl: string): string =>
  `curl --fail-with-body -sS ${apiUrl}/agents \\\n  -H "Authorization: Bearer $TOKEN"`;
