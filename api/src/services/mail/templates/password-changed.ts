import type { Template } from './template.ts';

export type PasswordChanged = Record<string, never>;

export const passwordChanged: Template<PasswordChanged> = {
  subject: 'Your SentryAgent password was changed',
  write: () => ({
    paragraphs: [
      'The password of your SentryAgent account was changed. All other sessions have ended.',
      'If it was not you, reset your password now on the page below. This ends the sessions of everyone else.',
    ],
    action: { label: 'Reset your password', path: '/forgot-password' },
  }),
};
