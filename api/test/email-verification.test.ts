import { nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { requestVerification } from '../src/services/people/email-verification.ts';
import { sendMails } from '../src/services/mail/send-mails.ts';
import type { Envelope } from '../src/services/mail/send-mails.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { onOneDay } from './support/one-day.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const sent: Envelope[] = [];

/** Sends what is queued; returns all mails to one address so far. */
const inbox = async (email: string): Promise<Envelope[]> => {
  await sendMails({ ...api.deps, deliver: async (envelope) => void sent.push(envelope) });
  return sent.filter(({ to }) => to === email);
};

const tokenIn = ({ text }: Envelope): string =>
  new RegExp(`^${DASHBOARD_URL}/verify-email\\?token=([0-9a-f]{48})$`, 'm').exec(text)![1]!;

const newToken = async ({ email }: TestMember): Promise<string> => tokenIn((await inbox(email)).at(-1)!);

const confirm = (token: string, headers: Record<string, string> = {}) =>
  post(api, '/auth/verification/confirm', { token }, headers);

const ask = (member: TestMember, headers: Record<string, string> = {}) =>
  member.send('POST', '/auth/verification', undefined, headers);

const isVerified = async (member: TestMember): Promise<boolean> => {
  const { user } = (await member.get('/auth/session')).body as { user: { emailVerified: boolean } };
  return user.emailVerified;
};

const expectRefused = ({ status, body }: Reply): void => {
  expect([status, body.code]).toEqual([400, 'invalid_link']);
  expect(body.detail).toContain('request a new link');
};

const mailsTo = async ({ email }: TestMember): Promise<number> =>
  (await api.sql('select 1 from mails where recipient = $1', [email])).length;

describe('signing up', () => {
  it('Signing up mails a link that confirms the address', async () => {
    const member = await signUp(api);
    expect(await isVerified(member)).toBe(false);
    const [mail, ...others] = await inbox(member.email);
    expect(others).toEqual([]);
    expect(mail!.subject).toBe('Confirm your email address for SentryAgent');
    const confirmed = await confirm(tokenIn(mail!));
    expect([confirmed.status, confirmed.body]).toEqual([200, { email: member.email }]);
    expect(await isVerified(member)).toBe(true);
  });

  it('The mail of a sign-up holds no text of the one who signs up', async () => {
    const sign = async (email: string, name: string): Promise<Envelope> => {
      const reply = await post(api, '/auth/sign-up', { email, password: 'correct horse battery', name });
      expect(reply.status).toBe(200);
      const [mail] = await inbox(email);
      return mail!;
    };
    const texts = ({ subject, text, html }: Envelope, token: string) =>
      [subject, text, html].map((part) => part.replaceAll(token, 'TOKEN'));
    const plain = await sign('victim-1@example.com', 'Ada');
    const hostile = await sign('victim-2@example.com', 'You won! Go to https://evil.example');
    expect(texts(hostile, tokenIn(hostile))).toEqual(texts(plain, tokenIn(plain)));
  });

  it('An account stands without its mail, and the person asks again', async () => {
    await api.sql('revoke insert on mails from sentryagent_auth');
    const member = await signUp(api);
    await api.sql('grant insert on mails to sentryagent_auth');
    expect(await mailsTo(member)).toBe(0);
    expect(api.logs.map(({ msg }) => msg)).toContain('queueing the confirmation mail failed');
    expect((await ask(member)).status).toBe(204);
    expect((await confirm(await newToken(member))).status).toBe(200);
  });

  it('mails nobody when the address is taken', async () => {
    const member = await signUp(api);
    const reply = await post(api, '/auth/sign-up', { email: member.email, password: 'another password' });
    expect(reply.status).toBe(409);
    expect(await mailsTo(member)).toBe(1);
  });
});

describe('the link', () => {
  it('A hundred uses of one link confirm once', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    const replies = await Promise.all(Array.from({ length: 100 }, () => confirm(token)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    replies.filter(({ status }) => status !== 200).forEach(expectRefused);
    expect(await isVerified(member)).toBe(true);
  });

  it('A wrong, used or expired link is refused alike', async () => {
    const [member, late] = [await signUp(api), await signUp(api)];
    const [token, expired] = [await newToken(member), await newToken(late)];
    await api.sql(`update verifications set expires_at = now() where value like $1 || ' %'`, [late.userId]);
    await confirm(token);
    const replies = [
      ...(await Promise.all(
        ['', 'x', 'x'.repeat(128), `${token}x`, '\ud800'].map((wrong) => confirm(wrong)),
      )),
      await confirm(token),
      await confirm(expired),
    ];
    replies.forEach(expectRefused);
    expect(new Set(replies.map(({ body }) => body.detail)).size).toBe(1);
    expect(await isVerified(late)).toBe(false);
  });

  it('A link lives for 24 hours', async () => {
    const member = await signUp(api);
    const [{ hours }] = (await api.sql(
      `select round(extract(epoch from expires_at - now()) / 3600)::int as hours from verifications where value like $1 || ' %'`,
      [member.userId],
    )) as [{ hours: number }];
    expect(hours).toBe(24);
  });

  it('A newer link ends the older one', async () => {
    const member = await signUp(api);
    const first = await newToken(member);
    expect((await ask(member)).status).toBe(204);
    const second = await newToken(member);
    expectRefused(await confirm(first));
    expect(await isVerified(member)).toBe(false);
    expect((await confirm(second)).status).toBe(200);
  });

  it('A link confirms no other address than its own', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    await api.sql(`update users set email = 'moved-' || email where id = $1`, [member.userId]);
    expectRefused(await confirm(token));
    expect(await isVerified(member)).toBe(false);
  });

  it('The database holds no link that works', async () => {
    const member = await signUp(api);
    const [row] = await api.sql('select * from verifications where value like $1', [`${member.userId} %`]);
    const token = await newToken(member);
    const everything = JSON.stringify([row, await api.sql('select * from mails')]);
    expect(everything).not.toContain(token);
    const parts = everything.match(/[\w-]{43,}/g)!;
    expect(parts.length).toBeGreaterThan(1);
    for (const part of new Set(parts)) expect((await confirm(part.slice(0, 128))).status).toBe(400);
  });
});

it('Links are used 20 times a minute from an address', async () => {
  const member = await signUp(api);
  const token = await newToken(member);
  const guess = (address: string, text = 'x') => confirm(text, { 'x-forwarded-for': address });
  for (let i = 0; i < 20; i++) expectRefused(await guess(`2001:db8:5::${i}`));
  const refused = await guess('2001:db8:5::ffff', token);
  expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  expect(await isVerified(member)).toBe(false);
  expect((await guess('2001:db8:6::1', token)).status).toBe(200);
});

describe('asking again', () => {
  it('The mail of a link that is asked for says so', async () => {
    const member = await signUp(api);
    expect((await ask(member)).status).toBe(204);
    const [first, second] = await inbox(member.email);
    expect(first!.text).toMatch(/^Someone signed up for SentryAgent /);
    expect(second!.text).toMatch(/^Someone requested a new link .*Earlier links no longer work\./);
    expect(second!.subject).toBe(first!.subject);
  });

  it('An hour has five more mails for a person', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 5; i++) expect((await ask(member)).status).toBe(204);
    const refused = await ask(member);
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(await mailsTo(member)).toBe(6);
  });

  it('An address on the network asks for twenty mails an hour', async () => {
    let hosts = 0;
    const address = () => ({ 'x-forwarded-for': `2001:db8:7::${++hosts}` });
    const members: TestMember[] = [];
    for (let i = 0; i < 5; i++) members.push(await signUp(api));
    for (const member of members.slice(0, 4)) {
      for (let i = 0; i < 5; i++) expect((await ask(member, address())).status).toBe(204);
    }
    expect((await ask(members[4]!, address())).status).toBe(429);
    expect((await ask(members[4]!)).status).toBe(204);
  });

  it('A day has ten mails for all tags of a mailbox', async () => {
    const name = `box-${Date.now()}`;
    const before = await api.sql(`select 1 from mails where recipient like $1`, [`${name}%`]);
    let cookie = '';
    for (let i = 0; i < 12; i++) {
      const body = { email: `${name}+${i}@example.com`, password: 'correct horse battery' };
      const reply = await post(api, '/auth/sign-up', body);
      expect(reply.status).toBe(200);
      cookie = cookiesOf(reply);
    }
    const mails = await api.sql(`select 1 from mails where recipient like $1`, [`${name}%`]);
    expect(mails.length - before.length).toBe(10);
    const refused = await post(api, '/auth/verification', undefined, { cookie, origin: DASHBOARD_URL });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(80_000);
  });

  it('Nobody uses up the mails of an address by its tags', async () => {
    const name = `victim-${Date.now()}`;
    const join = (email: string) => post(api, '/auth/sign-up', { email, password: 'correct horse battery' });
    for (let i = 0; i < 12; i++) expect((await join(`${name}+${i}@example.com`)).status).toBe(200);
    const email = `${name}@example.com`;
    const cookie = cookiesOf(await join(email));
    const askAgain = () => post(api, '/auth/verification', undefined, { cookie, origin: DASHBOARD_URL });
    for (let i = 0; i < 5; i++) expect((await askAgain()).status).toBe(204);
    expect((await confirm(tokenIn((await inbox(email)).at(-1)!))).status).toBe(200);
    const [{ mails }] = (await api.sql(`select count(*)::int as mails from mails where recipient like $1`, [
      `${name}%`,
    ])) as [{ mails: number }];
    expect(mails).toBe(10 + 6);
  });

  it('A day has ten mails for a person, in whatever way they are asked for', async () => {
    await onOneDay(async () => {
      const member = await signUp(api);
      const { userId: id, email } = member;
      const asked = await Promise.all(
        Array.from({ length: 30 }, () => requestVerification(api.deps, { id, email })),
      );
      for (let i = 0; i < 10; i++) asked.push(await requestVerification(api.deps, { id, email }));
      expect(asked.at(-1)).toBe(false);
      expect(await mailsTo(member)).toBe(10);
      const reply = await ask(member);
      expect([reply.status, reply.body.code]).toEqual([429, 'rate_limited']);
      const untilMidnight = (nextUtcMidnight(new Date()).getTime() - Date.now()) / 1_000;
      expect(Math.abs(Number(reply.headers.get('retry-after')) - untilMidnight)).toBeLessThan(60);
      expect(reply.body.detail).toBe(
        'Too many confirmation links for this account today. Try again after 00:00 UTC.',
      );
      const tomorrow = () => new Date(Date.now() + 86_400_000);
      expect(await requestVerification({ ...api.deps, clock: tomorrow }, { id, email })).toBe(true);
    });
  });

  it('A confirmed address gets no more links', async () => {
    const member = await signUp(api);
    await confirm(await newToken(member));
    const reply = await ask(member);
    expect([reply.status, reply.body.code]).toEqual([409, 'email_already_verified']);
    expect(await mailsTo(member)).toBe(1);
  });

  it('needs a session', async () => {
    const reply = await post(api, '/auth/verification', undefined);
    expect([reply.status, reply.body.code]).toEqual([401, 'unauthorized']);
  });
});

describe('people and tenants', () => {
  it('A GET uses up no link', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    for (const method of ['GET', 'HEAD']) {
      const reply = await call(api, `/auth/verification/confirm?token=${token}`, { method });
      expect(reply.status).toBe(405);
    }
    expect(await isVerified(member)).toBe(false);
    expect((await confirm(token)).status).toBe(200);
  });

  it('the role of the tenants reads no mail of a person', async () => {
    const member = await signUp(api);
    const count = await api.deps.db.withTenant(
      member.tenantId,
      async (trx) => (await trx.raw<{ rows: unknown[] }>('select 1 from mails')).rows.length,
    );
    expect(count).toBe(0);
    await expect(
      api.deps.db.withTenant(member.tenantId, (trx) =>
        trx.raw(
          `insert into mails (id, kind, key, recipient, data) values ('mai_x', 'k', 'k', 'a@example.com', '{}')`,
        ),
      ),
    ).rejects.toThrow('row-level security');
  });

  it('the people’s role queues no mail of a tenant', async () => {
    const member = await signUp(api);
    await expect(
      api.deps.peoplePool.query(
        `insert into mails (tenant_id, id, kind, key, recipient, data) values ($1, 'mai_y', 'k', 'k', 'a@example.com', '{}')`,
        [member.tenantId],
      ),
    ).rejects.toThrow('row-level security');
  });

  it('a session of the same person tells it at once', async () => {
    const member = await signUp(api);
    const second = await post(api, '/auth/sign-in', { email: member.email, password: member.password });
    await confirm(await newToken(member));
    const { body } = await call(api, '/auth/session', { headers: { cookie: cookiesOf(second) } });
    expect(body.user).toMatchObject({ email: member.email, emailVerified: true });
  });
});
