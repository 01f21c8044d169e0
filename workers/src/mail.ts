import { createTransport } from 'nodemailer';
import { every } from '@sentryagent/api/platform/every';
import { RecipientRefused, sendMails, type SendMailsDeps } from '@sentryagent/api/services/mail/send-mails';
import type { ActivityDeps } from './activities.ts';
import type { Config } from './config.ts';

const POLL_MS = 1_000;
/** A mail is sent inside a transaction, which Postgres aborts after 10 s without a statement. */
const PATIENCE_MS = 2_000;

type Deliver = SendMailsDeps['deliver'];

/** The error of nodemailer if the server accepted no recipient. */
interface Refusal {
  rejected?: string[];
  responseCode?: number;
}

const translate = (error: unknown): unknown => {
  const { rejected = [], responseCode = 0 } = error as Refusal;
  return rejected.length > 0 && responseCode >= 500
    ? new RecipientRefused('the mail server rejected the recipient', { cause: error })
    : error;
};

const createDelivery = (smtpUrl: string, from: string): { deliver: Deliver; close: () => void } => {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const transport = createTransport(
    {
      host: hostname,
      port: Number(port) || (protocol === 'smtps:' ? 465 : 587),
      secure: protocol === 'smtps:',
      ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
      connectionTimeout: PATIENCE_MS,
      greetingTimeout: PATIENCE_MS,
      socketTimeout: PATIENCE_MS,
    },
    // RFC 3834 and Exchange's own header: absence notes do not answer our mails.
    { from, headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' } },
  );
  return {
    deliver: async (envelope) => {
      try {
        await transport.sendMail(envelope);
      } catch (error) {
        throw translate(error);
      }
    },
    close: () => transport.close(),
  };
};

/** Sends queued mails every second. Without a mail server they stay queued. */
export const startMail = ({ db, logger }: ActivityDeps, config: Config): (() => void) => {
  if (!config.SMTP_URL) {
    logger.warn('SMTP_URL is not set; mails stay queued');
    return () => {};
  }
  const { deliver, close } = createDelivery(config.SMTP_URL, config.MAIL_FROM);
  const stop = every(POLL_MS, logger, 'sending mails', () => sendMails({ db, logger, config, deliver }));
  return () => {
    stop();
    close();
  };
};
