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
import {
  chargeReminder,
  graceEnded,
  graceEnds,
  paidWelcome,
  paymentFailed,
  subscriptionCancelled,
  type Cancelled,
  type FailedPayment,
  type GraceEnd,
  type NextCharge,
} from './templates/subscription.ts';
import { expiringCredentials, type ExpiringCredentials } from './templates/expiring-credentials.ts';
import { usageWarning, type UsageWarning } from './templates/usage-warning.ts';
import type { Template } from './templates/template.ts';

/**
 * The data of each kind of mail. Tenants and unknown users choose these texts, so a body contains them only after
 * `plain`, and a subject or URL never does.
 */
export interface MailData {
  charge_reminder: NextCharge;
  email_change: Link;
  email_change_notice: NoData;
  email_verification: VerificationLink;
  expiring_credentials: ExpiringCredentials;
  grace_ended: NoData;
  grace_ends: GraceEnd;
  paid_welcome: NextCharge;
  password_changed: PasswordChanged;
  password_reset: Link;
  payment_failed: FailedPayment;
  recovery_codes_renewed: NoData;
  subscription_cancelled: Cancelled;
  two_factor_off: NoData;
  two_factor_on: NoData;
  usage_warning: UsageWarning;
}

export type MailKind = keyof MailData;

export const kinds: { [K in MailKind]: Template<MailData[K]> } = {
  charge_reminder: chargeReminder,
  email_change: emailChange,
  email_change_notice: emailChangeNotice,
  email_verification: emailVerification,
  expiring_credentials: expiringCredentials,
  grace_ended: graceEnded,
  grace_ends: graceEnds,
  paid_welcome: paidWelcome,
  password_changed: passwordChanged,
  password_reset: passwordReset,
  payment_failed: paymentFailed,
  recovery_codes_renewed: recoveryCodesRenewed,
  subscription_cancelled: subscriptionCancelled,
  two_factor_off: twoFactorOff,
  two_factor_on: twoFactorOn,
  usage_warning: usageWarning,
};
