import { fileURLToPath } from 'node:url';
import { freePort } from '../../../dev/src/ports.ts';
import { until } from '../../../dev/test/support/until.ts';
import { answers, program } from './processes.ts';

export interface Received {
  subject: string;
  text: string;
  html: string;
}

export interface Inbox {
  smtpUrl: string;
  /** Waits until so many mails to the address are there. */
  receive(address: string, count: number): Promise<Received[]>;
  all(): Promise<Received[]>;
  close(): Promise<void>;
}

interface Stored extends Received {
  to: { address: string }[];
}

/** A mail server that keeps what it is given. */
export const startInbox = async (): Promise<Inbox> => {
  const [smtp, web] = [await freePort(), await freePort()];
  const file = fileURLToPath(new URL('./bin/maildev.js', import.meta.resolve('maildev')));
  const options = { smtp: String(smtp), ip: '127.0.0.1', web: String(web), 'web-ip': '127.0.0.1' };
  const argv = [file, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])];
  const url = `http://127.0.0.1:${web}/api`;
  const server = program([process.execPath, ...argv], {}, () => answers(`${url}/healthz`));
  await server.start();
  const all = async (): Promise<Stored[]> => (await (await fetch(`${url}/email`)).json()) as Stored[];
  const mailsTo = async (address: string): Promise<Stored[]> =>
    (await all()).filter(({ to }) => to.some((recipient) => recipient.address === address));
  return {
    smtpUrl: `smtp://127.0.0.1:${smtp}`,
    receive: async (address, count) => {
      await until(`${count} mails to ${address}`, async () => (await mailsTo(address)).length >= count);
      return mailsTo(address);
    },
    all,
    close: server.kill,
  };
};
