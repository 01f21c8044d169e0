import type { Template } from './template.ts';

export type EmailChangeNotice = Record<string, never>;

export const emailChangeNotice: Template<EmailChangeNotice> = {
  subject: 'Your SentryAgent email address is about to change',
  write: () => ({
    paragraphs: [
      'Someone who knows your password asked to change the email address of your SentryAgent account. It changes as soon as the new address is confirmed. If it was you, there is nothing to do here.',
      'If it was not you, reset your password now on the page below. This stops the change and ends all sessions.',
    ],
    action: { label: 'Reset your password', path: '/forgot-password' },
  }),
};
