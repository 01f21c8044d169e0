import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kinds } from '../src/services/mail/kinds.ts';
import type { MailData, MailKind } from '../src/services/mail/kinds.ts';
import { renderMail } from '../src/services/mail/render-mail.ts';
import { sealData } from '../src/services/mail/sealed-data.ts';
import { RecipientRefused, sendMails } from '../src/services/mail/send-mails.ts';
import type { Envelope } from '../src/services/mail/send-mails.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';

/** What the words of each kind are, as they come from an honest caller. */
const honest: MailData = {
  email_verification: { token: 'abc-_123' },
  expiring_credentials: {
    credentials: [
      {
        agentId: 'agt_1',
        agentName: 'Screener & Co',
        credentialId: 'crd_1',
        expiresAt: '2026-12-24T10:00:00Z',
      },
      { agentId: 'agt_2', agentName: 'größe 2', credentialId: 'crd_2', expiresAt: '2026-12-25T10:00:00Z' },
    ],
    more: 3,
  },
};
const everyKind = Object.keys(kinds) as MailKind[];

const hostile = [
  'http://evil.example',
  'HTTPS://EVIL.EXAMPLE/login?a=b#c',
  'www.evil.example',
  'evil.example',
  'evil.example/pay',
  'e.co',
  'evil。example',
  'evil．example',
  'evil｡example',
  'evil․example',
  'пример.испытание',
  'xn--e1afmkfd.xn--80akhbyknj4f',
  '192.0.2.1',
  '[2001:db8::1]',
  'localhost:3000/pay',
  'javascript:alert(1)',
  'data:text/html,x',
  'tel:+49900123456',
  'mailto:mallory@evil.example',
  'mallory@evil.example',
  '\\\\evil\\share',
  '//evil.example',
  '[Sign in](https://evil.example)',
  '<https://evil.example>',
  '<a href="https://evil.example">Sign in</a>',
  '<script>alert(1)</script>',
  '</title><img src=x onerror=alert(1)>',
  '" onmouseover="alert(1)',
  '&lt;a href=evil&gt;',
  'a\r\nBcc: victim@evil.example',
  'a\n\nYour account is locked. Go to evil.example',
  'a\u2028b\u2029c\u0085d\u000be\tf',
  '\u202egnp.elpmaxe.live',
  'ev\u200bil.exa\u00admple',
  'evil\u2060.\u2060example',
  '\ud800',
  '',
  ' ',
  '…',
  `${'long '.repeat(1_000)}evil.example`,
  'x'.repeat(10_000),
  '🏳️‍🌈'.repeat(1_000),
];

/** Stricter than any mail client: a scheme, `www`, an address, or words that a dot joins. */
const LINK =
  /:\/|\/\/|\\\\|www[.․。．｡]|@|[\p{L}\p{N}][.․。．｡][\p{L}\p{N}]|\b(javascript|data|mailto|tel|localhost):/iu;

/** The data with every text in it replaced: also what is ours today may be another's tomorrow. */
const replaceTexts = (data: unknown, text: string): unknown => {
  if (typeof data === 'string') return text;
  if (Array.isArray(data)) return data.map((item) => replaceTexts(item, text));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, replaceTexts(value, text)]));
};

const render = (kind: MailKind, text?: string) =>
  renderMail(
    kind,
    (text === undefined ? honest[kind] : replaceTexts(honest[kind], text)) as MailData[typeof kind],
    DASHBOARD_URL,
  );

const linksOf = (text: string): string[] => text.match(/http:\/\/dashboard\.test\S*/g) ?? [];
const withoutOurs = (text: string): string => text.replaceAll(/http:\/\/dashboard\.test\S*/g, '');
const tagsOf = (html: string): string[] =>
  html.replaceAll(/ (href|content)="[^"]*"/g, '').match(/<[^>]*>/g) ?? [];
const hrefsOf = (html: string): string[] =>
  [...html.matchAll(/(?:href|src)\s*=\s*"?([^">]*)/g)].map(([, url]) => url!);

describe.each(everyKind)('a mail of the kind %s', (kind) => {
  const before = render(kind);
  const lines = (text: string): number => text.split('\n').length;

  it.each(hostile)('No text of a tenant is a subject, a link or markup: %j', (name) => {
    const { subject, text, html } = render(kind, name);
    expect(subject).toBe(before.subject);
    expect(withoutOurs(text)).not.toMatch(LINK);
    expect(withoutOurs(html.replaceAll(/<[^>]*>/g, ''))).not.toMatch(LINK);
    expect(linksOf(text)).toHaveLength(1);
    expect(linksOf(text)[0]).toMatch(/^http:\/\/dashboard\.test\/[a-z-]+(\?[a-z]+=[^&=\s]*)?$/);
    expect(hrefsOf(html).every((url) => url.startsWith(`${DASHBOARD_URL}/`))).toBe(true);
    expect(tagsOf(html)).toEqual(tagsOf(before.html));
    expect([lines(text), lines(html)]).toEqual([lines(before.text), lines(before.html)]);
    expect(text).not.toMatch(/[^\P{C}\n]/u);
    expect(text.length).toBeLessThan(2_000);
  });
});

it('every hostile text that is a link is one to the test', () => {
  expect(hostile.filter((name) => LINK.test(name)).length).toBeGreaterThan(25);
});

it('an honest name is read as it is written, in text and HTML', () => {
  const { text, html } = render('expiring_credentials');
  expect(text).toContain('- 2026-12-24 (UTC): crd_1 of Screener & Co (agt_1)\n');
  expect(text).toContain('- 2026-12-25 (UTC): crd_2 of größe 2 (agt_2)\n- and 3 more\n');
  expect(html).toContain('<li>2026-12-24 (UTC): crd_1 of Screener &amp; Co (agt_1)</li>');
  expect(html).toContain(`href="${DASHBOARD_URL}/agents"`);
});

it('an agent whose name is no words is called by its id', () => {
  const [first] = honest.expiring_credentials.credentials;
  const credentials = [{ ...first!, agentName: '://' }];
  expect(renderMail('expiring_credentials', { credentials, more: 0 }, DASHBOARD_URL).text).toContain(
    'crd_1 of agt_1\n',
  );
});

describe('queued mails', () => {
  let api: TestApi;
  const sent: Envelope[] = [];
  beforeAll(async () => {
    api = await startApi();
    await api.sql(`insert into tenants (id, name, slug, created_at) values ('ten_1', 'One', 'one', now())`);
  });
  afterAll(() => api.close());

  const queue = (id: string, kind: MailKind, data: object) =>
    api.sql(
      `insert into mails (tenant_id, id, kind, key, recipient, data) values ('ten_1', $1, $2, $1, 'ada@example.com', $3)`,
      [id, kind, data],
    );
  const send = (deliver: (envelope: Envelope) => Promise<void>) => sendMails({ ...api.deps, deliver });
  const take = async (envelope: Envelope): Promise<void> => void sent.push(envelope);
  beforeEach(async () => {
    sent.length = 0;
    await api.sql('delete from mails');
    await queue('mai_1', 'expiring_credentials', honest.expiring_credentials);
  });

  it('are sent once, by whichever of several senders', async () => {
    await Promise.all([send(take), send(take), send(take)]);
    await send(take);
    expect(sent).toMatchObject([
      { to: 'ada@example.com', subject: 'Credentials of your agents expire soon' },
    ]);
    expect(await api.sql('select attempts, sent_at is not null as sent from mails')).toEqual([
      { attempts: 1, sent: true },
    ]);
  });

  it('A mail that could not be sent is tried again, with the same Message-ID', async () => {
    const ids: string[] = [];
    await send(async ({ messageId }) => {
      ids.push(messageId);
      throw new Error('away');
    });
    await send(take);
    expect(sent).toEqual([]);
    await api.sql('update mails set next_attempt_at = now()');
    await send(take);
    expect(sent.map(({ messageId }) => messageId)).toEqual(ids);
  });

  /** Tries the mail 40 times, each when it is due, and answers what has become of it. */
  const failAlways = async (failure: Error) => {
    for (let i = 0; i < 40; i++) {
      await api.sql(`update mails set next_attempt_at = now() where next_attempt_at < 'infinity'`);
      await send(() => Promise.reject(failure));
    }
    return api.sql(
      `select attempts, sent_at, next_attempt_at = 'infinity' as is_over,
         next_attempt_at between now() + interval '55 minutes' and now() + interval '1 hour' as is_hourly from mails`,
    );
  };

  it('An address that is refused for half a day is given up', async () => {
    const given = { attempts: 21, sent_at: null, is_over: true, is_hourly: false };
    expect(await failAlways(new RecipientRefused('no such mailbox'))).toEqual([given]);
  });

  it('A mail server that is away is tried for ever', async () => {
    const kept = { attempts: 40, sent_at: null, is_over: false, is_hourly: true };
    expect(await failAlways(new Error('away'))).toEqual([kept]);
  });

  it('A mail of a kind that this version does not know is given up at once', async () => {
    await api.sql('delete from mails');
    await queue('mai_9', 'credential_expiry' as MailKind, {});
    await send(take);
    expect(sent).toEqual([]);
    expect(
      await api.sql(`select attempts, next_attempt_at = 'infinity' as over, sent_at from mails`),
    ).toEqual([{ attempts: 1, over: true, sent_at: null }]);
  });

  it('A secret of a mail is sealed in its row, and opens in no other', async () => {
    const data = sealData(api.deps.config.KEY_ENCRYPTION_KEYS, 'mai_2', { token: 'a-secret-token' });
    await api.sql('delete from mails');
    await queue('mai_2', 'email_verification', data);
    await queue('mai_3', 'email_verification', data);
    expect(JSON.stringify(await api.sql('select * from mails'))).not.toContain('a-secret-token');
    await send(take);
    expect(sent).toHaveLength(1);
    expect(sent[0]!.text).toContain(`${DASHBOARD_URL}/verify-email?token=a-secret-token\n`);
    expect(await api.sql('select id, attempts from mails where sent_at is null')).toEqual([
      { id: 'mai_3', attempts: 1 },
    ]);
  });
});
