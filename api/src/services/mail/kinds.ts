/**
 * What each kind of mail is told. Times are ISO 8601. What stands here comes from a tenant or from a stranger, so it
 * reaches a body through `plain` alone, and a subject or the address of a link never.
 */
export interface MailData {
  /** To an address that nobody has confirmed, of somebody who may be anybody: it carries no text of theirs. */
  email_verification: {
    token: string;
    /** Of a link that was asked for after the sign-up. */
    asked?: boolean;
  };
  expiring_credentials: {
    /** The first that expire. */
    credentials: { agentId: string; agentName: string; credentialId: string; expiresAt: string }[];
    /** How many there are besides. */
    more: number;
  };
}

export type MailKind = keyof MailData;

/** Paragraphs, a list, and one thing to do. */
export interface Content {
  paragraphs: string[];
  list?: string[];
  action: { label: string; path: `/${string}`; query?: Record<string, string> };
}

interface Kind<D> {
  /** Fixed: a subject says nothing that anybody chose. */
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
          ? 'Somebody asked for a new link to confirm this email address for SentryAgent. If that was you, open the page below and press Confirm. The link works once, for 24 hours. Earlier links no longer work.'
          : 'Somebody signed up for SentryAgent with this email address. If that was you, open the page below and press Confirm. The link works once, for 24 hours.',
        'If it was not you, ignore this mail. The address stays unconfirmed, and gets no other mail from us.',
      ],
      action: { label: 'Confirm your email address', path: '/verify-email', query: { token } },
    }),
  },
  expiring_credentials: {
    subject: 'Credentials of your agents expire soon',
    write: ({ credentials, more }) => ({
      paragraphs: [
        'These credentials expire soon. After that date an agent gets no tokens with its credential. Create a new credential before that date and switch the agent to it.',
      ],
      list: [...credentials.map(listed), ...(more > 0 ? [`and ${more} more`] : [])],
      action: { label: 'See your agents', path: '/agents' },
    }),
  },
};
