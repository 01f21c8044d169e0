import { sendMails } from '../../src/services/mail/send-mails.ts';
import type { Envelope } from '../../src/services/mail/send-mails.ts';
import { DASHBOARD_URL } from './api.ts';
import type { TestApi } from './api.ts';

export interface Mailbox {
  /** Sends what is queued; returns all mails to one address so far. */
  read(email: string): Promise<Envelope[]>;
  /** The token of the latest link to a page, in a mail to the address. */
  token(email: string, page: string): Promise<string>;
}

export const openMailbox = (api: () => TestApi): Mailbox => {
  const sent: Envelope[] = [];
  const read = async (email: string): Promise<Envelope[]> => {
    await sendMails({ ...api().deps, deliver: async (envelope) => void sent.push(envelope) });
    return sent.filter(({ to }) => to === email);
  };
  return {
    read,
    token: async (email, page) => {
      const link = new RegExp(`^${DASHBOARD_URL}${page}\\?token=([0-9a-f]{48})$`, 'm');
      const found = (await read(email)).flatMap(({ text }) => link.exec(text)?.[1] ?? []);
      return found.at(-1)!;
    },
  };
};
