import { describe, expect, it } from 'vitest';
import { kinds } from '../../src/services/mail/kinds.ts';
import type { MailData, MailKind } from '../../src/services/mail/kinds.ts';
import { renderMail } from '../../src/services/mail/render-mail.ts';

const DASHBOARD_URL = 'http://dashboard.test';

/** What the words of each kind are, as they come from an honest caller. */
const honest: MailData = {
  charge_reminder: { at: '2026-12-24T10:00:00.000Z', isTrial: false, amount: 4_900, currency: 'usd' },
  email_change: { token: 'abc-_123' },
  email_change_notice: {},
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
  grace_ended: {},
  grace_ends: { graceEndsAt: '2026-12-24T10:00:00.000Z' },
  paid_welcome: { at: '2026-12-24T10:00:00.000Z', isTrial: true, amount: 4_900, currency: 'usd' },
  password_changed: {},
  password_reset: { token: 'abc-_123' },
  recovery_codes_renewed: {},
  two_factor_off: {},
  two_factor_on: {},
  payment_failed: { amount: 4_900, currency: 'jpy', graceEndsAt: null },
  subscription_cancelled: { endsAt: '2026-12-24T10:00:00.000Z' },
  usage_warning: { percent: 80, max: 1_000, isHard: true, resetsAt: '2026-12-24T00:00:00.000Z' },
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
/** An amount has a dot, and is a number. */
const withoutOurs = (text: string): string =>
  text.replaceAll(/http:\/\/dashboard\.test\S*|\b\d+\.\d\d(?= [A-Z]{3}\b)/g, '');
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
  const { text } = renderMail('expiring_credentials', { credentials, more: 0 }, DASHBOARD_URL);
  expect(text).toContain('crd_1 of agt_1\n\nView your agents:\n');
});

it('a link that was asked for again says so, and that earlier ones are void', () => {
  const textOf = (asked?: boolean): string =>
    renderMail('email_verification', { token: 'a', ...(asked !== undefined && { asked }) }, DASHBOARD_URL)
      .text;
  expect(textOf(true)).toMatch(/^Someone requested a new link .+ Earlier links no longer work\./);
  expect(textOf()).toMatch(/^Someone signed up /);
  expect(textOf(false)).toBe(textOf());
  expect(textOf(true)).toContain('Confirm your email address:\nhttp://dashboard.test/verify-email?token=a\n');
});

it('a kind that this version does not know is no mail', () => {
  for (const kind of ['other', 'constructor']) {
    expect(() => renderMail(kind as MailKind, {} as never, DASHBOARD_URL)).toThrow(
      expect.objectContaining({ name: 'UnknownMailKind', message: kind }),
    );
  }
});

describe('a mail about a payment', () => {
  const textOf = <K extends MailKind>(kind: K, data: MailData[K]): string =>
    renderMail(kind, data, DASHBOARD_URL).text;

  it('names date, amount, currency and how to stop', () => {
    for (const kind of ['charge_reminder', 'paid_welcome'] as const) {
      const text = textOf(kind, honest[kind]);
      expect(text).toContain('Stripe charges 49.00 USD on 2026-12-24 (UTC).');
      expect(text).toMatch(/To stop, cancel on the Billing page/);
      expect(text).toContain('http://dashboard.test/billing\n');
    }
  });

  it('counts in the minor unit of the currency', () => {
    expect(textOf('payment_failed', honest.payment_failed)).toContain('could not collect 4900 JPY');
    const { at, isTrial } = honest.charge_reminder;
    expect(textOf('charge_reminder', { at, isTrial })).toContain('Stripe charges your card on 2026-12-24');
  });

  it.each([
    ['jpy', 490_000, '490000 JPY'],
    ['kwd', 49_000, '49.000 KWD'],
    ['isk', 680_000, '6800.00 ISK'],
    ['ugx', 18_000_000, '180000.00 UGX'],
    ['usd', 4_900, '49.00 USD'],
  ])('Amounts have the decimals of Stripe: %s', (currency, amount, words) => {
    const failed = { ...honest.payment_failed, currency, amount };
    expect(textOf('payment_failed', failed)).toContain(`could not collect ${words} for`);
  });

  it('tells until when Paid is kept, or that it is Free already', () => {
    const failed = { ...honest.payment_failed, graceEndsAt: '2026-12-31T00:00:00.000Z' };
    expect(textOf('payment_failed', failed)).toContain('You keep Paid until 2026-12-31 (UTC).');
    expect(textOf('payment_failed', honest.payment_failed)).toContain('is on Free until');
    expect(textOf('subscription_cancelled', { endsAt: null })).toContain('has ended');
  });
});

describe('a warning about the daily limit', () => {
  const textOf = (changes: Partial<MailData['usage_warning']> = {}): string =>
    renderMail('usage_warning', { ...honest.usage_warning, ...changes }, DASHBOARD_URL).text;

  it('names the share, the limit, the reset and the upgrade', () => {
    const text = textOf();
    expect(text).toContain('have used 80 % or more of your 1,000 API calls for today.');
    expect(text).toContain('At the limit, the API refuses further calls');
    expect(text).toContain('on 2026-12-24 at 00:00 UTC.');
    expect(text).toContain('Upgrade to Paid:\nhttp://dashboard.test/pricing\n');
  });

  it('tells what is refused now, and nothing of a soft limit', () => {
    const text = textOf({ percent: 100 });
    expect(text).toContain('used all of your 1,000 API calls for today.');
    expect(text).toContain('Until then, the API refuses further calls');
    expect(textOf({ percent: 100, isHard: false })).toContain('The API still serves calls above the limit.');
  });
});
