import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
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
import type { ActivityDeps } from '../src/activities.ts';
import { parseConfig } from '../src/config.ts';
import { startMail } from '../src/mail.ts';

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
};

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
  for (let i = 0; i < 100 && !(await fetch(`${inbox}/healthz`).catch(() => undefined))?.ok; i++)
    await wait(100);
});
afterAll(async () => {
  server.kill('SIGKILL');
  await dropTestDatabase(database);
});

interface Mail {
  subject: string;
  to: { address: string }[];
  from: { address: string }[];
  messageId: string;
  text: string;
  html: string;
}

it('what is queued reaches the mail server, as text and HTML', async () => {
  const credential = {
    agentId: 'agt_1',
    agentName: 'screener & co',
    credentialId: 'crd_1',
    expiresAt: '2026-12-24T10:00:00.000Z',
  };
  await query(
    adminUrl(database),
    `insert into tenants (id, name, slug, created_at) values ('ten_1', 'One', 'one', now())`,
  );
  await query(
    adminUrl(database),
    `insert into mails (tenant_id, id, kind, key, recipient, data) values ('ten_1', 'mai_1', 'expiring_credentials', 'k',
       'ada@example.com', $1)`,
    [{ credentials: [credential], more: 0 }],
  );
  const config = parseConfig({
    APP_DATABASE_URL: appUrl(database),
    STRIPE_SECRET_KEY: 'sk_test_mail',
    KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    SMTP_URL: `smtp://127.0.0.1:${smtpPort}`,
    MAIL_FROM: 'SentryAgent <hello@example.com>',
    DB_POOL_MIN: '0',
  });
  const db = createDatabase(config);
  const stop = startMail({ db, logger: createLogger('silent') } as ActivityDeps, config);
  let received: Mail[] = [];
  for (let i = 0; i < 100 && received.length === 0; i++) {
    await wait(100);
    received = (await (await fetch(`${inbox}/email`)).json()) as Mail[];
  }
  await wait(1_500);
  expect((await (await fetch(`${inbox}/email`)).json()) as Mail[]).toHaveLength(1);
  const [mail] = received;
  expect(mail).toMatchObject({
    subject: 'Credentials of your agents expire soon',
    to: [{ address: 'ada@example.com' }],
    from: [{ address: 'hello@example.com' }],
  });
  expect(mail!.text).toContain('crd_1');
  expect(mail!.html).toContain('screener &amp; co');
  stop();
  await db.close();
});
