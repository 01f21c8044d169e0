import { emailChange } from './templates/email-change.ts';
import type { EmailChange } from './templates/email-change.ts';
import { emailChangeNotice } from './templates/email-change-notice.ts';
import type { EmailChangeNotice } from './templates/email-change-notice.ts';
import { emailVerification } from './templates/email-verification.ts';
import type { EmailVerification } from './templates/email-verification.ts';
import { expiringCredentials } from './templates/expiring-credentials.ts';
import type { ExpiringCredentials } from './templates/expiring-credentials.ts';
import { passwordChanged } from './templates/password-changed.ts';
import type { PasswordChanged } from './templates/password-changed.ts';
import { passwordReset } from './templates/password-reset.ts';
import type { PasswordReset } from './templates/password-reset.ts';
import type { Template } from './templates/template.ts';

/**
 * The data of each kind of mail. Tenants and unknown users choose these texts, so a body contains them only after
 * `plain`, and a subject or URL never does.
 */
export interface MailData {
  email_change: EmailChange;
  email_change_notice: EmailChangeNotice;
  email_verification: EmailVerification;
  expiring_credentials: ExpiringCredentials;
  password_changed: PasswordChanged;
  password_reset: PasswordReset;
}

export type MailKind = keyof MailData;

export const kinds: { [K in MailKind]: Template<MailData[K]> } = {
  email_change: emailChange,
  email_change_notice: emailChangeNotice,
  email_verification: emailVerification,
  expiring_credentials: expiringCredentials,
  password_changed: passwordChanged,
  password_reset: passwordReset,
};
