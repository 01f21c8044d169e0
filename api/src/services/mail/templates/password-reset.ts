import type { Template } from './template.ts';

/** Sent to the address of an account, confirmed or not. It contains no text that somebody chose. */
export interface PasswordReset {
  token: string;
}

export const passwordReset: Template<PasswordReset> = {
  subject: 'Reset your SentryAgent password',
  write: ({ token }) => ({
    paragraphs: [
      'Someone requested a new password for your SentryAgent account. If it was you, open the page below and choose one. The link works once and expires after 1 hour. Earlier links no longer work.',
      'If it was not you, ignore this email. Your password stays as it is.',
    ],
    action: { label: 'Choose a new password', path: '/reset-password', query: { token } },
  }),
};
