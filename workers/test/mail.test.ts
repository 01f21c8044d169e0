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
import { until } from '../../api/test/support/until.ts';
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

/** Sends by this mail server for as long as the work takes. */
const sending = async (port: number, work: () => Promise<void>): Promise<void> => {
  const config = parseConfig({
    APP_DATABASE_URL: appUrl(database),
    STRIPE_SECRET_KEY: 'sk_test_mail',
    KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    MAIL_FROM: 'SentryAgent <hello@example.com>',
    DB_POOL_MIN: '0',
  });
  const db = createDatabase(config);
  const stop = startMail({ db, logger: createLogger('silent') } as ActivityDeps, config);
  await work().finally(stop);
  await db.close();
};

it('what is queued reaches the mail server, as text and HTML', async () => {
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
