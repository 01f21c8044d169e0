import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { openMailbox } from './support/mailbox.ts';
import { onOneDay } from './support/one-day.ts';
import { beforeSessionIsStored } from './support/waiting-session.ts';

const NEW = 'another horse battery';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const mailbox = openMailbox(() => api);

const forgot = (email: string, headers: Record<string, string> = {}) =>
  post(api, '/auth/password/forgot', { email }, headers);

const reset = (token: string, password = NEW, headers: Record<string, string> = {}) =>
  post(api, '/auth/password/reset', { token, password }, headers);

const signIn = (email: string, password: string) => post(api, '/auth/sign-in', { email, password });

const newToken = async ({ email }: TestMember): Promise<string> => {
  expect((await forgot(email)).status).toBe(204);
  return mailbox.token(email, '/reset-password');
};

const resetMails = (email: string) =>
  api.sql(`select 1 from mails where kind = 'password_reset' and recipient = $1`, [email]);

const expectRefused = ({ status, body }: Reply): void => {
  expect([status, body.code]).toEqual([400, 'invalid_link']);
  expect(body.detail).toContain('Request a new link');
};

const nobody = (): string => `${randomBytes(6).toString('hex')}@example.com`;

describe('asking for a link', () => {
  it('A forgotten password is reset by the link of a mail', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    const [, mail] = await mailbox.read(member.email);
    expect(mail!.subject).toBe('Reset your SentryAgent password');
    const done = await reset(token);
    expect([done.status, done.body]).toEqual([200, { email: member.email }]);
    expect((await signIn(member.email, member.password)).status).toBe(401);
    expect((await signIn(member.email, NEW)).status).toBe(200);
  });

  it('An address without an account is answered like one with an account', async () => {
    const member = await signUp(api);
    const [known, unknown] = [await forgot(member.email), await forgot(nobody())];
    const shape = ({ status, text, headers }: Reply) => [status, text, [...headers.keys()].sort()];
    expect(shape(unknown)).toEqual(shape(known));
    expect(known.status).toBe(204);
  });

  it('An address without an account takes the same work', async () => {
    const member = await signUp(api);
    const statementsOf = async (email: string): Promise<unknown[]> => {
      const query = vi.spyOn(api.deps.peoplePool, 'query');
      await forgot(email);
      const statements = query.mock.calls.map(([text]) => text as unknown);
      query.mockRestore();
      return statements;
    };
    const known = await statementsOf(member.email);
    expect(await statementsOf(nobody())).toEqual(known);
    expect(known).toHaveLength(1);
    // Each commits a row, so that each waits for the disk once.
    const email = nobody();
    for (let i = 0; i < 2; i++) await forgot(email);
    expect(await api.sql('select 1 from verifications where value = $1', [`- ${email}`])).toHaveLength(1);
    expect(await api.sql('select 1 from mails where recipient = $1', [email])).toEqual([]);
  });

  it('An address in another form is the same account', async () => {
    const member = await signUp(api);
    await forgot(member.email.toUpperCase());
    expect(await resetMails(member.email)).toHaveLength(1);
  });

  it('An email address gets five reset links an hour, with or without an account', async () => {
    const member = await signUp(api);
    for (const email of [member.email, nobody()]) {
      for (let i = 0; i < 5; i++) expect((await forgot(email)).status).toBe(204);
      const refused = await forgot(email);
      expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
      expect(refused.body.detail).toBe('Too many links for this email address. Try again in about an hour.');
    }
    expect(await resetMails(member.email)).toHaveLength(5);
  });

  it('A network asks for twenty reset links an hour', async () => {
    const from = (host: number) => ({ 'x-forwarded-for': `2001:db8:77:${host}::1` });
    for (let i = 0; i < 20; i++) expect((await forgot(nobody(), from(i))).status).toBe(204);
    const refused = await forgot(nobody(), from(20));
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect((await forgot(nobody())).status).toBe(204);
  });

  it('A day has ten reset mails for an address, in whatever way they are asked for', async () => {
    await onOneDay(async () => {
      const member = await signUp(api);
      for (let i = 0; i < 12; i++) {
        expect((await forgot(member.email)).status).toBe(204);
        const keys = await api.deps.redis!.keys('door:reset-account*');
        await api.deps.redis!.del(keys);
      }
      expect(await resetMails(member.email)).toHaveLength(10);
    });
  });

  it('Strangers keep nobody from a reset link', async () => {
    const endHour = async () => {
      for (const key of await api.deps.redis!.keys('door:reset-account*')) await api.deps.redis!.del(key);
    };
    await onOneDay(async () => {
      const [confirmed, unconfirmed] = [await signUp(api), await signUp(api)];
      await api.sql('update users set email_verified = true where email = $1', [confirmed.email]);
      for (const { email, cookie } of [confirmed, unconfirmed]) {
        for (let i = 0; i < 11; i++) {
          if (i % 5 === 0) await endHour();
          expect((await forgot(email)).status).toBe(204);
        }
        expect(await resetMails(email)).toHaveLength(10);
        for (let i = 0; i < 5; i++) await forgot(email);
        expect((await forgot(email)).status).toBe(429);
        // The mark of another account is none of this one.
        const stranger = email === confirmed.email ? unconfirmed.cookie : confirmed.cookie;
        expect((await forgot(email, { cookie: stranger })).status).toBe(429);
        for (let i = 0; i < 12; i++) {
          if (i % 5 === 0) await endHour();
          expect((await forgot(email, { cookie })).status).toBe(204);
        }
      }
      expect(await resetMails(confirmed.email)).toHaveLength(20);
      expect(await resetMails(unconfirmed.email)).toHaveLength(10);
      const token = await mailbox.token(confirmed.email, '/reset-password');
      expect((await reset(token)).status).toBe(200);
    });
  });

  it('Nobody floods a mailbox by reset links of its tags', async () => {
    const name = `flooded-${Date.now()}`;
    const [confirmed] = [`${name}+own@example.com`];
    const join = (email: string) => post(api, '/auth/sign-up', { email, password: 'correct horse battery' });
    expect((await join(confirmed)).status).toBe(200);
    await api.sql('update users set email_verified = true where email = $1', [confirmed]);
    for (let i = 0; i < 12; i++) {
      const email = `${name}+${i}@example.com`;
      await join(email);
      expect((await forgot(email)).status).toBe(204);
    }
    const mails = await api.sql(`select 1 from mails where recipient like $1`, [`${name}+%`]);
    expect(mails.length).toBe(10);
    // Nor do they keep the owner of a confirmed address from a link.
    expect((await forgot(confirmed)).status).toBe(204);
    expect(await resetMails(confirmed)).toHaveLength(1);
  });
});

describe('the link', () => {
  it('A reset link works once', async () => {
    const member = await signUp(api);
    const second = cookiesOf(await signIn(member.email, member.password));
    const token = await newToken(member);
    const replies = await Promise.all(Array.from({ length: 100 }, (_, i) => reset(token, `${NEW} ${i}`, {})));
    const succeeded = replies.flatMap(({ status }, i) => (status === 200 ? [i] : []));
    expect(succeeded).toHaveLength(1);
    for (const { status, body } of replies.filter(({ status }) => status !== 200)) {
      // Of a hundred at once, some wait too long for their turn.
      expect([status, body.code]).toBeOneOf([
        [400, 'invalid_link'],
        [503, 'service_unavailable'],
      ]);
    }
    expectRefused(await reset(token));
    expect((await signIn(member.email, `${NEW} ${succeeded[0]}`)).status).toBe(200);
    for (const cookie of [member.cookie, second]) {
      expect((await call(api, '/auth/session', { headers: { cookie } })).status).toBe(401);
    }
  });

  it('A wrong, used or expired reset link is refused alike', async () => {
    const [member, late] = [await signUp(api), await signUp(api)];
    const [token, expired] = [await newToken(member), await newToken(late)];
    await api.sql(`update verifications set expires_at = now() where value like $1 || ' %'`, [late.userId]);
    await reset(token);
    const replies = [
      ...(await Promise.all(['', 'x', 'x'.repeat(128), `${token}x`, '\ud800'].map((wrong) => reset(wrong)))),
      await reset(token),
      await reset(expired),
    ];
    replies.forEach(expectRefused);
    expect(new Set(replies.map(({ body }) => body.detail)).size).toBe(1);
    expect((await signIn(late.email, late.password)).status).toBe(200);
  });

  it('A reset link lives for an hour', async () => {
    const member = await signUp(api);
    await newToken(member);
    const [{ minutes }] = (await api.sql(
      `select round(extract(epoch from expires_at - now()) / 60)::int as minutes from verifications
       where value = $1 and identifier like 'password-reset:%'`,
      [`${member.userId} ${member.email}`],
    )) as [{ minutes: number }];
    expect(minutes).toBe(60);
  });

  it('A newer reset link ends the older one', async () => {
    const member = await signUp(api);
    const [first, second] = [await newToken(member), await newToken(member)];
    expect(second).not.toBe(first);
    expectRefused(await reset(first));
    expect((await reset(second)).status).toBe(200);
  });

  it('A reset link resets no other address than its own', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    await api.sql(`update users set email = 'moved-' || email where id = $1`, [member.userId]);
    expectRefused(await reset(token));
    // Somebody else has the address now.
    await post(api, '/auth/sign-up', { email: member.email, password: 'correct horse battery' });
    expectRefused(await reset(token));
  });

  it('The database holds no reset link that works', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    const everything = JSON.stringify([
      await api.sql('select * from verifications'),
      await api.sql('select * from mails'),
    ]);
    expect(everything).not.toContain(token);
  });

  it('A GET resets nothing', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    for (const method of ['GET', 'HEAD']) {
      const reply = await call(api, `/auth/password/reset?token=${token}`, { method });
      expect(reply.status).toBe(405);
    }
    expect((await reset(token)).status).toBe(200);
  });

  it('Reset links are used 20 times a minute from an address', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    const from = (host: number) => ({ 'x-forwarded-for': `2001:db8:78::${host}` });
    for (let i = 0; i < 20; i++) expectRefused(await reset('x', NEW, from(i)));
    const refused = await reset(token, NEW, from(99));
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect((await reset(token)).status).toBe(200);
  });
});

describe('what a reset does besides', () => {
  it('A reset starts no session, and confirms the address', async () => {
    const member = await signUp(api);
    const done = await reset(await newToken(member), NEW, { cookie: member.cookie });
    expect(cookiesOf(done)).toMatch(/^sentryagent-device=[^;]+$/);
    expect((await member.get('/auth/session')).status).toBe(401);
    const cookie = cookiesOf(await signIn(member.email, NEW));
    const { body } = await call(api, '/auth/session', { headers: { cookie } });
    expect(body.user).toMatchObject({ email: member.email, emailVerified: true });
  });

  it('A reset is reported by mail', async () => {
    const member = await signUp(api);
    await reset(await newToken(member));
    const mails = await mailbox.read(member.email);
    expect(mails.at(-1)!.subject).toBe('Your SentryAgent password was changed');
    expect(mails.at(-1)!.text).toContain(`Reset your password:\n${DASHBOARD_URL}/forgot-password\n`);
  });

  it('A reset stops a change of the address that was asked for with the old password', async () => {
    const member = await signUp(api);
    const email = nobody();
    const asked = await member.post('/auth/email/change', { email, password: member.password });
    expect(asked.status).toBe(204);
    const change = await mailbox.token(email, '/change-email');
    await reset(await newToken(member));
    const reply = await post(api, '/auth/email/change/confirm', { token: change });
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_link']);
    expect((await signIn(member.email, NEW)).status).toBe(200);
  });

  it('A person who has reset the password signs in although strangers have guessed', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 10; i++) expect((await signIn(member.email, 'not the password')).status).toBe(401);
    expect((await signIn(member.email, member.password)).status).toBe(429);
    const done = await reset(await newToken(member));
    const body = { email: member.email, password: NEW };
    expect((await post(api, '/auth/sign-in', body, { cookie: cookiesOf(done) })).status).toBe(200);
  });

  it('A sign-in with the old password that is under way ends with the reset', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    const signedIn = await beforeSessionIsStored(api, member.userId, {
      start: () => signIn(member.email, member.password),
      meanwhile: () => reset(token),
    });
    expect([signedIn.status, cookiesOf(signedIn)]).toEqual([401, '']);
    expect(await api.sql('select 1 from sessions where user_id = $1', [member.userId])).toEqual([]);
  });

  it('A weak password is refused, and the link still works', async () => {
    const member = await signUp(api);
    const token = await newToken(member);
    const [name] = member.email.split('@');
    for (const weak of ['password1', `${name}-secret`]) {
      const reply = await reset(token, weak);
      expect([reply.status, reply.body.code]).toEqual([400, 'weak_password']);
    }
    expect((await reset(token)).status).toBe(200);
  });
});
