import type { Database, Transaction } from '../../platform/database.ts';
import { DecryptionError } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Logger } from '../../platform/logger.ts';
import type { MailData, MailKind } from './kinds.ts';
import { UnknownMailKind, renderMail, type RenderedMail } from './render-mail.ts';
import { openData, type SealedData } from './sealed-data.ts';

export interface Envelope extends RenderedMail {
  to: string;
  /** The same for every attempt, so that a receiver can detect a duplicate. */
  messageId: string;
}

export interface SendMailsDeps {
  db: Database;
  logger: Logger;
  config: { DASHBOARD_URL: string; KEY_ENCRYPTION_KEYS: Keyring };
  /** Resolves when the mail server has accepted it. Rejects with RecipientRefused if the server refuses the recipient. */
  deliver(envelope: Envelope): Promise<void>;
}

interface Row {
  id: string;
  kind: MailKind;
  recipient: string;
  data: MailData[MailKind] | SealedData;
  attempts: number;
}

/** The mail server refuses the recipient permanently (RFC 5321 section 4.2.1: 5yz). */
export class RecipientRefused extends Error {
  override readonly name = 'RecipientRefused';
}

/**
 * Half a day of attempts, because the cause can be a setting: a mail server that refuses every recipient, or an
 * encryption key that this worker does not have yet. Without a limit, addresses that do not exist are retried forever.
 */
const MOST_REFUSALS = 20;

const isTransient = (error: unknown): boolean =>
  error instanceof RecipientRefused || error instanceof DecryptionError;

const isFinal = (error: unknown, attempts: number): boolean =>
  error instanceof UnknownMailKind || (isTransient(error) && attempts >= MOST_REFUSALS);

/** 10 s, 20 s, 40 s … up to 1 hour. */
const pauseSeconds = (attempts: number): number => Math.min(10 * 2 ** Math.min(attempts, 20), 3_600);

/**
 * Locks the mail, sends it and marks it as sent, in one transaction. After a crash in between, the mail is sent once
 * more with the same Message-ID.
 */
const sendOne = async ({ logger, config, deliver }: SendMailsDeps, trx: Transaction): Promise<boolean> => {
  const { rows } = await trx.raw<{ rows: Row[] }>('select * from take_mail()');
  const [mail] = rows;
  if (!mail) return false;
  try {
    await deliver({
      ...renderMail(
        mail.kind,
        openData(config.KEY_ENCRYPTION_KEYS, mail.id, mail.data),
        config.DASHBOARD_URL,
      ),
      to: mail.recipient,
      messageId: `<${mail.id}@${new URL(config.DASHBOARD_URL).hostname}>`,
    });
    await trx.raw('select settle_mail(?)', [mail.id]);
  } catch (error) {
    if (isFinal(error, mail.attempts)) {
      logger.warn({ err: error, mailId: mail.id }, 'sending a mail failed; it is not retried');
      await trx.raw('select abandon_mail(?)', [mail.id]);
    } else {
      logger.warn({ err: error, mailId: mail.id }, 'sending a mail failed; it is retried');
      await trx.raw('select postpone_mail(?, ?)', [mail.id, pauseSeconds(mail.attempts)]);
    }
  }
  return true;
};

/** Sends every mail that is due. Several processes may do this at once. */
export const sendMails = async (deps: SendMailsDeps): Promise<void> => {
  while (await deps.db.acrossTenants((trx) => sendOne(deps, trx)));
};
