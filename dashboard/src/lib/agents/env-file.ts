import type { NewCredential } from '@sentryagent/sdk';

/** A file name from the agent's name, or from its id if the name has no letters or digits of ASCII. */
export const envFileName = ({ name, agentId }: { name: string; agentId: string }): string => {
  const words = name.toLowerCase().match(/[a-z0-9]+/g);
  return `${words ? words.join('-') : agentId}.env`;
};

/** The shell command that sets the variables of the file. */
export const loadCommand = (fileName: string): string => `set -a; . ./${fileName}; set +a`;

/** For a shell and for dotenv. Ids, secrets and URLs have no characters that need quoting. */
export const envFile = (
  apiUrl: string,
  { clientId, clientSecret }: Pick<NewCredential, 'clientId' | 'clientSecret'>,
): string =>
  [
    '# Keep this file secret. Do not commit it.',
    `API_URL=${apiUrl}`,
    `CLIENT_ID=${clientId}`,
    `CLIENT_SECRET=${clientSecret}`,
    '',
  ].join('\n');

/** As the API makes it: the id of the credential, 43 random characters and a checksum. */
export const isClientSecret = (text: string): boolean => /^sa_[0-9a-z]{26}_[\w-]{43}_[0-9a-f]{8}$/.test(text);
