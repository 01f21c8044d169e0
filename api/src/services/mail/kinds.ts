/**
 * The data of each kind of mail. Times are ISO 8601. A tenant or a stranger chose these texts, so a body contains them
 * only after `plain`, and a subject or a link's address never does.
 */
export interface MailData {
  /** Sent to an unconfirmed address, which anyone can enter. It contains no text that they chose. */
  email_verification: {
    token: string;
    /** True if the user requested the link after signing up. */
    asked?: boolean;
  };
  expiring_credentials: {
    /** The first ones to expire. */
    credentials: { agentId: string; agentName: string; credentialId: string; expiresAt: string }[];
    /** How many more there are. */
    more: number;
  };
}

export type MailKind = keyof MailData;

/** Paragraphs, a list and one link. */
export interface Content {
  paragraphs: string[];
  list?: string[];
  action: { label: string; path: `/${string}`; query?: Record<string, string> };
}

interface Kind<D> {
  /** Fixed, so a subject never contains text that someone else chose. */
  subject: string;
  write(data: D): Content;
}

const day = (instant: string): string => `${instant.slice(0, 10)} (UTC)`;

type Expiring = MailData['expiring_credentials']['credentials'][number];

const listed = ({ agentId, agentName, credentialId, expiresAt }: Expiring): string => {
  const agent = agentName === '' ? agentId : `${agentName} (${agentId})`;
  return `${day(expiresAt)}: ${credentialId} of ${agent}`;
};

export const kinds: { [K in MailKind]: Kind<MailData[K]> } = {
  email_verification: {
    subject: 'Confirm your email address for SentryAgent',
    write: ({ token, asked = false }) => ({
      paragraphs: [
        asked
          ? 'Someone requested a new link to confirm this email address for SentryAgent. If it was you, open the page below and select Confirm. The link works once and expires after 24 hours. Earlier links no longer work.'
          : 'Someone signed up for SentryAgent with this email address. If it was you, open the page below and select Confirm. The link works once and expires after 24 hours.',
        'If it was not you, ignore this email. The address stays unconfirmed, and we send no other email to it unless someone requests a new link.',
      ],
      action: { label: 'Confirm your email address', path: '/verify-email', query: { token } },
    }),
  },
  expiring_credentials: {
    subject: 'Credentials of your agents expire soon',
    write: ({ credentials, more }) => ({
      paragraphs: [
        'The credentials below expire soon. An agent cannot get tokens with an expired credential. Create a new credential before the expiry date, then switch the agent to it.',
      ],
      list: [...credentials.map(listed), ...(more > 0 ? [`and ${more} more`] : [])],
      action: { label: 'View your agents', path: '/agents' },
    }),
  },
};
