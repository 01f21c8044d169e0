import type { Template } from './template.ts';

interface ExpiringCredential {
  agentId: string;
  agentName: string;
  credentialId: string;
  /** ISO 8601. */
  expiresAt: string;
}

export interface ExpiringCredentials {
  /** The first ones to expire. */
  credentials: ExpiringCredential[];
  /** How many more there are. */
  more: number;
}

const day = (instant: string): string => `${instant.slice(0, 10)} (UTC)`;

const listed = ({ agentId, agentName, credentialId, expiresAt }: ExpiringCredential): string => {
  const agent = agentName === '' ? agentId : `${agentName} (${agentId})`;
  return `${day(expiresAt)}: ${credentialId} of ${agent}`;
};

export const expiringCredentials: Template<ExpiringCredentials> = {
  subject: 'Credentials of your agents expire soon',
  write: ({ credentials, more }) => ({
    paragraphs: [
      'The credentials below expire soon. An agent cannot get tokens with an expired credential. Open the agent, create a new credential under Credentials, and switch the agent to it before the expiry date.',
    ],
    list: [...credentials.map(listed), ...(more > 0 ? [`and ${more} more`] : [])],
    action: { label: 'View your agents', path: '/agents' },
  }),
};
