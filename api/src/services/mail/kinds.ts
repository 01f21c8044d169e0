import { emailVerification } from './templates/email-verification.ts';
import type { EmailVerification } from './templates/email-verification.ts';
import { expiringCredentials } from './templates/expiring-credentials.ts';
import type { ExpiringCredentials } from './templates/expiring-credentials.ts';
import type { Template } from './templates/template.ts';

/**
 * The data of each kind of mail. Tenants and unknown users choose these texts, so a body contains them only after
 * `plain`, and a subject or URL never does.
 */
export interface MailData {
  email_verification: EmailVerification;
  expiring_credentials: ExpiringCredentials;
}

export type MailKind = keyof MailData;

export const kinds: { [K in MailKind]: Template<MailData[K]> } = {
  email_verification: emailVerification,
  expiring_credentials: expiringCredentials,
};
