import type { Template } from './template.ts';

/** Mails about an account. Some go to an address that anyone can enter, so they contain no text that somebody chose. */

export interface Link {
  token: string;
}

/** `asked`: the user requested the link after signing up. */
export type VerificationLink = Link & { asked?: boolean };

/** `wasUnconfirmed`: until then, so somebody else can have created the account. */
export interface PasswordChanged {
  wasUnconfirmed?: boolean;
}

export type NoData = Record<string, never>;

export const emailVerification: Template<VerificationLink> = {
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

export const emailChange: Template<Link> = {
  subject: 'Confirm your new email address for SentryAgent',
  write: ({ token }) => ({
    paragraphs: [
      'Someone wants to use this email address for their SentryAgent account. If it was you, open the page below and select Confirm. The link works once and expires after 24 hours. Earlier links no longer work.',
      'If it was not you, ignore this email. We send no other email to this address unless someone requests a new link.',
    ],
    action: { label: 'Confirm your new address', path: '/change-email', query: { token } },
  }),
};

export const emailChangeNotice: Template<NoData> = {
  subject: 'Your SentryAgent email address is about to change',
  write: () => ({
    paragraphs: [
      'Someone who knows your password asked to change the email address of your SentryAgent account. It changes as soon as the new address is confirmed. If it was you, there is nothing to do here.',
      'If it was not you, reset your password now on the page below. This stops the change and ends all sessions.',
    ],
    action: { label: 'Reset your password', path: '/forgot-password' },
  }),
};

export const passwordReset: Template<Link> = {
  subject: 'Reset your SentryAgent password',
  write: ({ token }) => ({
    paragraphs: [
      'Someone requested a new password for your SentryAgent account. If it was you, open the page below and choose one. The link works once and expires after 1 hour. Earlier links no longer work.',
      'If it was not you, ignore this email. Your password stays as it is.',
    ],
    action: { label: 'Choose a new password', path: '/reset-password', query: { token } },
  }),
};

export const passwordChanged: Template<PasswordChanged> = {
  subject: 'Your SentryAgent password was changed',
  write: ({ wasUnconfirmed = false }) => ({
    paragraphs: [
      'The password of your SentryAgent account was changed. All other sessions have ended.',
      ...(wasUnconfirmed
        ? [
            'This email address was not confirmed before. If you did not create the account, someone else did, and the agents that they registered still work. Sign in and decommission those that you do not know.',
          ]
        : []),
      'If it was not you, reset your password now on the page below. This ends the sessions of everyone else.',
    ],
    action: { label: 'Reset your password', path: '/forgot-password' },
  }),
};

/** `then`: what to do after a new password, which ends all sessions. */
const secondFactorNotice = (subject: string, what: string, then: string): Template<NoData> => ({
  subject,
  write: () => ({
    paragraphs: [
      what,
      `If it was not you, someone has your password or one of your sessions. Reset your password now on the page below, which ends all sessions. Then ${then}`,
    ],
    action: { label: 'Reset your password', path: '/forgot-password' },
  }),
});

export const twoFactorOn = secondFactorNotice(
  'Two-factor sign-in for SentryAgent was turned on',
  'Two-factor sign-in of your SentryAgent account was turned on. From now on, each sign-in asks for a code from an authenticator app. All other sessions have ended.',
  'ask the administrator of this server to turn two-factor sign-in off. A new password does not do that.',
);

export const twoFactorOff = secondFactorNotice(
  'Two-factor sign-in for SentryAgent was turned off',
  'Two-factor sign-in of your SentryAgent account was turned off, by you or by the administrator of this server. A sign-in now needs only your password.',
  'turn two-factor sign-in on again in the settings.',
);

export const recoveryCodesRenewed = secondFactorNotice(
  'Your SentryAgent recovery codes were replaced',
  'The recovery codes of your SentryAgent account were replaced. The earlier ones no longer work.',
  'get new recovery codes in the settings.',
);
