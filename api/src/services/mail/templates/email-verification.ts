import type { Template } from './template.ts';

/** Sent to an unconfirmed address, which anyone can enter. It contains no text that they chose. */
export interface EmailVerification {
  token: string;
  /** True if the user requested the link after signing up. */
  asked?: boolean;
}

export const emailVerification: Template<EmailVerification> = {
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
};
