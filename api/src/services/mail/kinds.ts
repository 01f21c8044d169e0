import {
  emailChange,
  emailChangeNotice,
  emailVerification,
  passwordChanged,
  passwordReset,
  recoveryCodesRenewed,
  twoFactorOff,
  twoFactorOn,
  type Link,
  type NoData,
  type PasswordChanged,
  type VerificationLink,
} from './templates/account.ts';
import { expiringCredentials, type ExpiringCredentials } from './templates/expiring-credentials.ts';
import type { Template } from './templates/template.ts';

/**
 * The data of each kind of mail. Tenants and unknown users choose these texts, so a body contains them only after
 * `plain`, and a subject or URL never does.
 */
export interface MailData {
  email_change: Link;
  email_change_notice: NoData;
  email_verification: VerificationLink;
  expiring_credentials: ExpiringCredentials;
  password_changed: PasswordChanged;
  password_reset: Link;
  recovery_codes_renewed: NoData;
  two_factor_off: NoData;
  two_factor_on: NoData;
}

export type MailKind = keyof MailData;

export const kinds: { [K in MailKind]: Template<MailData[K]> } = {
  email_change: emailChange,
  email_change_notice: emailChangeNotice,
  email_verification: emailVerification,
  expiring_credentials: expiringCredentials,
  password_changed: passwordChanged,
  password_reset: passwordReset,
  recovery_codes_renewed: recoveryCodesRenewed,
  two_factor_off: twoFactorOff,
  two_factor_on: twoFactorOn,
};
