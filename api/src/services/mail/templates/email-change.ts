import type { Template } from './template.ts';

/** Sent to an address that a user has entered, which can be anyone's. It contains no text that they chose. */
export interface EmailChange {
  token: string;
}

export const emailChange: Template<EmailChange> = {
  subject: 'Confirm your new email address for SentryAgent',
  write: ({ token }) => ({
    paragraphs: [
      'Someone wants to use this email address for their SentryAgent account. If it was you, open the page below and select Confirm. The link works once and expires after 24 hours. Earlier links no longer work.',
      'If it was not you, ignore this email. We send no other email to this address unless someone requests a new link.',
    ],
    action: { label: 'Confirm your new address', path: '/change-email', query: { token } },
  }),
};
