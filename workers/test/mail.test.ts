import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase } from '@sentryagent/api/platform/database';
import { createLogger } from '@sentryagent/api/platform/logger';
import {
  createTestDatabase,
  adminUrl,
  appUrl,
  dropTestDatabase,
  query,
} from '../../api/test/support/servers.ts';
import { until } from '../../dev/test/support/until.ts';
import { freePort } from '../../dev/src/ports.ts';
import type { ActivityDeps } from '../src/activities.ts';
import { parseConfig } from '../src/config.ts';
import { startMail } from '../src/mail.ts';

let database: string;
let smtpPort: number;
let inbox: string;
let server: ReturnType<typeof spawn>;
beforeAll(async () => {
  database = await createTestDatabase();
  const [smtp, web] = [await freePort(), await freePort()];
  const program = fileURLToPath(new URL('./bin/maildev.js', import.meta.resolve('maildev')));
  const options = [
    '--smtp',
    String(smtp),
    '--ip',
    '127.0.0.1',
    '--web',
    String(web),
    '--web-ip',
    '127.0.0.1',
  ];
  server = spawn(process.execPath, [program, ...options], { stdio: 'ignore' });
  [smtpPort, inbox] = [smtp, `http://127.0.0.1:${web}/api`];
  await until('the mail server answers', async () => (await fetch(`${inbox}/healthz`)).ok);
});
afterAll(async () => {
  server.kill('SIGKILL');
  await dropTestDatabase(database);
});

interface Mail {
  subject: string;
  to: { address: string }[];
  from: { address: string }[];
  text: string;
  html: string;
  headers: Record<string, string>;
}

const credential = {
  agentId: 'agt_1',
  agentName: 'screener & co',
  credentialId: 'crd_1',
  expiresAt: '2026-12-24T10:00:00.000Z',
};

const queue = async (id: string, attempts: number): Promise<void> => {
  await query(
    adminUrl(database),
    `insert into tenants (id, name, slug, created_at) values ('ten_1', 'One', 'one', now()) on conflict do nothing`,
  );
  await query(
    adminUrl(database),
    `insert into mails (tenant_id, id, kind, key, recipient, data, attempts)
     values ('ten_1', $1, 'expiring_credentials', $1, $1 || '@example.com', $2, $3)`,
    [id, { credentials: [credential], more: 0 }, attempts],
  );
};

const settingsOf = (smtpPort: number): Record<string, string> => ({
  APP_DATABASE_URL: appUrl(database),
  STRIPE_SECRET_KEY: 'sk_test_mail',
  KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  SMTP_URL: `smtp://127.0.0.1:${smtpPort}`,
  MAIL_FROM: 'SentryAgent <hello@example.com>',
  DB_POOL_MIN: '0',
});

/** Sends by this mail server for as long as the work takes. */
const sending = async (port: number, work: () => Promise<void>): Promise<void> => {
  const config = parseConfig(settingsOf(port));
  const db = createDatabase(config);
  const stop = startMail({ db, logger: createLogger('silent') } as ActivityDeps, config);
  await work().finally(stop);
  await db.close();
};

it('A mail says that a machine has sent it: what is queued reaches the mail server, as text and HTML', async () => {
  await queue('mai_1', 0);
  await sending(smtpPort, async () => {
    const received = async () => (await (await fetch(`${inbox}/email`)).json()) as Mail[];
    await until('the mail is received', async () => (await received()).length > 0);
    // One that is queued now is sent by a later look than the first.
    await queue('mai_2', 0);
    const recipients = async () => (await received()).flatMap(({ to }) => to.map(({ address }) => address));
    await until('the next is received', async () => (await recipients()).includes('mai_2@example.com'));
    expect(await recipients()).toEqual(['mai_1@example.com', 'mai_2@example.com']);
    const [mail] = await received();
    expect(mail).toMatchObject({
      subject: 'Credentials of your agents expire soon',
      from: [{ address: 'hello@example.com' }],
    });
    // No absence note answers it.
    expect(mail!.headers).toMatchObject({
      ...{ 'auto-submitted': 'auto-generated', 'x-auto-response-suppress': 'All' },
    });
    expect(mail!.text).toContain('crd_1');
    expect(mail!.html).toContain('screener &amp; co');
  });
});

/** A mail server that answers one command with a refusal, and takes the others. */
const refusing = async (command: string, answer: string): Promise<Server> => {
  const smtp = createServer((socket) => {
    socket.write('220 test\r\n');
    socket.on('error', () => {});
    socket.on('data', (line) =>
      socket.write(String(line).startsWith(command) ? `${answer}\r\n` : '250 ok\r\n'),
    );
  }).listen(0, '127.0.0.1');
  await once(smtp, 'listening');
  return smtp;
};

it.each([
  ['RCPT', '550 5.1.1 no such mailbox', true],
  ['RCPT', '450 4.2.1 try again later', false],
  ['MAIL', '553 5.1.8 this sender may not', false],
])('a 21st refusal of %s with %s gives the mail up: %s', async (command, answer, isGivenUp) => {
  const smtp = await refusing(command, answer);
  const id = `mai_${command}_${answer.slice(0, 3)}`;
  await queue(id, 20);
  const read = async (): Promise<{ attempts: number; given_up: boolean }> => {
    const text = `select attempts, next_attempt_at = 'infinity' as given_up from mails where id = $1`;
    return (await query(adminUrl(database), text, [id])).rows[0] as { attempts: number; given_up: boolean };
  };
  await sending((smtp.address() as AddressInfo).port, async () => {
    await until('it is refused', async () => (await read()).attempts > 20);
    expect(await read()).toEqual({ attempts: 21, given_up: isGivenUp });
  });
  smtp.close();
});

const moments = ['on its way', 'received', 'taken'] as const;
type Moment = (typeof moments)[number];

/** A mail server that notes the Message-ID of each mail; at a moment that `ends`, it says nothing more. */
const receiving = async (
  ends: (moment: Moment) => boolean,
): Promise<{ smtp: Server; received: string[] }> => {
  const received: string[] = [];
  const smtp = createServer((socket) => {
    let message: string | undefined;
    const receive = (text: string): void => {
      message += text;
      if (!message!.endsWith('\r\n.\r\n')) return;
      received.push(/^Message-ID: (.*)\r$/im.exec(message!)![1]!);
      message = undefined;
      if (ends('received')) return;
      socket.write('250 taken\r\n');
      ends('taken');
    };
    socket.write('220 test\r\n');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const text = String(data);
      if (message !== undefined) return receive(text);
      if (!text.startsWith('DATA')) return void socket.write('250 ok\r\n');
      if (ends('on its way')) return;
      message = '';
      socket.write('354 go on\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(smtp, 'listening');
  return { smtp, received };
};

it.each(moments)('A crash sends a mail at most twice: killed when one is %s', async (moment) => {
  const place = moments.indexOf(moment);
  const ids = [1, 2, 3].map((number) => `mai_killed${place}${number}`);
  for (const id of ids) await queue(id, 0);
  let isKilled = false;
  const { smtp, received } = await receiving((now) => {
    if (isKilled || now !== moment) return false;
    isKilled = true;
    return sender.kill('SIGKILL');
  });
  const program = fileURLToPath(new URL('./support/send-mails.ts', import.meta.url));
  const env = { ...settingsOf((smtp.address() as AddressInfo).port), LOG_LEVEL: 'error' };
  const start = () => spawn(process.execPath, [program], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  let sender = start();
  expect(await once(sender, 'exit')).toEqual([null, 'SIGKILL']);
  sender = start();
  const sent = `select count(*)::int as sent from mails where id = any($1) and sent_at is not null`;
  await until('each is sent', async () => (await query(adminUrl(database), sent, [ids])).rows[0].sent === 3);
  sender.kill('SIGKILL');
  await once(sender, 'exit');
  smtp.close();

  const times = ids.map((id) => received.filter((messageId) => messageId === `<${id}@localhost>`).length);
  expect(received).toHaveLength(times.reduce((sum, count) => sum + count));
  // What was on its way had not arrived; what was taken may have been settled before the end.
  const most = { 'on its way': [1], received: [2], taken: [1, 2] }[moment];
  expect(times.toSorted()).toEqual([1, 1, expect.toBeOneOf(most)]);
});
