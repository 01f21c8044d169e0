import type { NewCredential } from '@sentryagent/sdk';

type ClientCredential = Pick<NewCredential, 'clientId' | 'clientSecret'>;

/** For a shell: gets a token and keeps it in the variable TOKEN. Ids and secrets hold nothing that a shell reads. */
export const tokenCommand = (apiUrl: string, { clientId, clientSecret }: ClientCredential): string =>
  [
    `TOKEN=$(curl -fsS ${apiUrl}/oauth2/token \\`,
    `  -u '${clientId}:${clientSecret}' \\`,
    '  -d grant_type=client_credentials \\',
    `  | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
  ].join('\n');

/** For the same shell: calls the API with that token. */
export const callCommand = (apiUrl: string): string =>
  `curl -fsS ${apiUrl}/agents \\\n  -H "Authorization: Bearer $TOKEN"`;
