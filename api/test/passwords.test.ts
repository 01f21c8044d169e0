import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { changePassword } from '../src/services/people/change-password.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { openMailbox } from './support/mailbox.ts';
import { beforeSessionIsStored } from './support/waiting-session.ts';

const NEW = 'another horse battery';

/** The wrong passwords of a browser that has signed in before, at new addresses: its own ten, and those of strangers. */
const KNOWN_GUESSES = 20;

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const mailbox = openMailbox(() => api);

const signIn = (email: string, password: string, headers: Record<string, string> = {}) =>
  post(api, '/auth/sign-in', { email, password }, headers);

const change = (
  { password, cookie }: Pick<TestMember, 'password' | 'cookie'>,
  newPassword = NEW,
  headers: Record<string, string> = {},
) => post(api, '/auth/password/change', { currentPassword: password, newPassword }, { cookie, ...headers });

const sessionOf = (cookie: string) => call(api, '/auth/session', { headers: { cookie } });

const confirmAddress = ({ userId }: TestMember) =>
  api.sql('update users set email_verified = true where id = $1', [userId]);

const weak = (reply: Reply): unknown[] => [reply.status, reply.body.code];

describe('POST /auth/password/change', () => {
  it('A changed password ends the other sessions, and this one gets a new id', async () => {
    const member = await signUp(api);
    const other = cookiesOf(await signIn(member.email, member.password));
    const [before] = await api.sql('select id from sessions where user_id = $1 order by created_at', [
      member.userId,
    ]);
    const changed = await change(member);
    expect([changed.status, changed.text]).toEqual([204, '']);
    const cookie = cookiesOf(changed);
    expect((await sessionOf(cookie)).body.user).toMatchObject({ id: member.userId });
    for (const ended of [member.cookie, other]) expect((await sessionOf(ended)).status).toBe(401);
    const sessions = await api.sql('select id from sessions where user_id = $1', [member.userId]);
    expect(sessions).toHaveLength(1);
    expect(sessions[0]!.id).not.toBe(before!.id);
    expect((await signIn(member.email, member.password)).status).toBe(401);
    expect((await signIn(member.email, NEW)).status).toBe(200);
  });

  it('A wrong current password changes nothing', async () => {
    const member = await signUp(api);
    const reply = await change({ ...member, password: 'not the password' });
    expect(weak(reply)).toEqual([403, 'wrong_password']);
    expect(reply.body.detail).toBe('The current password is wrong. Check it and try again.');
    expect(cookiesOf(reply)).toBe('');
    expect((await member.get('/auth/session')).status).toBe(200);
    expect((await signIn(member.email, member.password)).status).toBe(200);
  });

  it('Guesses at the current password are limited like a sign-in', async () => {
    const member = await signUp(api);
    const guess = () => change({ ...member, password: 'not the password' });
    for (let i = 0; i < KNOWN_GUESSES; i++) expect((await guess()).status).toBe(403);
    const refused = await change(member);
    expect(weak(refused)).toEqual([429, 'rate_limited']);
    expect(refused.body.detail).toMatch(/^Too many wrong passwords for this account\./);
    // One count for both, so that a session does not double the guesses.
    expect((await signIn(member.email, member.password)).status).toBe(429);
    expect((await member.get('/auth/session')).status).toBe(200);
  });

  it('Two changes at once with the same current password change it once', async () => {
    const { userId: id, email, password: currentPassword } = await signUp(api);
    const both = [`${NEW} 1`, `${NEW} 2`];
    // Not by HTTP, where a process checks one password at a time.
    const outcomes = await Promise.allSettled(
      both.map((newPassword) =>
        changePassword(api.deps, { id, email, name: 'Ada' }, { currentPassword, newPassword }, new Headers()),
      ),
    );
    const winners = both.filter((_password, i) => outcomes[i]!.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    const lost = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(lost!.reason).toMatchObject({ code: 'wrong_password' });
    expect((await signIn(email, winners[0]!)).status).toBe(200);
  });

  it('A change that is under way leaves no session after another one', async () => {
    const [member, other] = [await signUp(api), await signUp(api)];
    const changed = await beforeSessionIsStored(api, member.userId, {
      start: () => change(member),
      meanwhile: () =>
        api.sql(
          `update accounts set password = (select password from accounts where user_id = $2) where user_id = $1`,
          [member.userId, other.userId],
        ),
    });
    expect([changed.status, changed.body.code, cookiesOf(changed)]).toEqual([403, 'wrong_password', '']);
    expect(await api.sql('select 1 from sessions where user_id = $1', [member.userId])).toEqual([]);
  });

  it('A changed password is reported to a confirmed address alone', async () => {
    const [confirmed, unconfirmed] = [await signUp(api), await signUp(api)];
    await confirmAddress(confirmed);
    for (const member of [confirmed, unconfirmed]) expect((await change(member)).status).toBe(204);
    const subjects = (await mailbox.read(confirmed.email)).map(({ subject }) => subject);
    expect(subjects).toEqual([
      'Confirm your email address for SentryAgent',
      'Your SentryAgent password was changed',
    ]);
    expect(await mailbox.read(unconfirmed.email)).toHaveLength(1);
  });

  it('A changed password ends the links of before', async () => {
    const member = await signUp(api);
    await post(api, '/auth/password/forgot', { email: member.email });
    const token = await mailbox.token(member.email, '/reset-password');
    expect((await change(member)).status).toBe(204);
    const reply = await post(api, '/auth/password/reset', { token, password: 'a third horse battery' });
    expect(weak(reply)).toEqual([400, 'invalid_link']);
  });

  it('of a weak password is refused, and counts as no guess', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 12; i++)
      expect(weak(await change(member, 'password1'))).toEqual([400, 'weak_password']);
    expect(weak(await change(member, 'short'))).toEqual([400, 'validation_failed']);
    expect((await change(member)).status).toBe(204);
  });

  it('needs a session', async () => {
    expect(weak(await change({ password: 'x', cookie: '' }))).toEqual([401, 'unauthorized']);
  });
});

describe('A weak password is refused with the reason', () => {
  it('at sign-up too', async () => {
    const email = `${randomBytes(6).toString('hex')}@example.com`;
    for (const password of ['password1', `${email.split('@')[0]}!`, 'my example 7']) {
      const reply = await post(api, '/auth/sign-up', { email, password });
      expect(weak(reply)).toEqual([400, 'weak_password']);
    }
    expect(await api.sql('select 1 from users where email = $1', [email])).toEqual([]);
  });
});

describe('changing the email address', () => {
  const newEmail = (): string => `${randomBytes(6).toString('hex')}@example.com`;
  const ask = (member: TestMember, email: string, password = member.password) =>
    member.post('/auth/email/change', { email, password });
  const confirm = (token: string, headers: Record<string, string> = {}) =>
    post(api, '/auth/email/change/confirm', { token }, headers);
  const tokenFor = (email: string) => mailbox.token(email, '/change-email');
  const addressOf = async (member: TestMember): Promise<unknown> => {
    const { user } = (await member.get('/auth/session')).body as { user: Record<string, unknown> };
    return [user.email, user.emailVerified];
  };

  it('A new address is the person’s when its link is used', async () => {
    const [member, email] = [await signUp(api), newEmail()];
    await confirmAddress(member);
    expect((await ask(member, email)).status).toBe(204);
    expect(await addressOf(member)).toEqual([member.email, true]);
    const [mail] = await mailbox.read(email);
    expect(mail!.subject).toBe('Confirm your new email address for SentryAgent');
    const notice = (await mailbox.read(member.email)).at(-1)!;
    expect(notice.subject).toBe('Your SentryAgent email address is about to change');
    expect(notice.text).toContain(`${DASHBOARD_URL}/forgot-password`);
    const done = await confirm(await tokenFor(email));
    expect([done.status, done.body]).toEqual([200, { email }]);
    expect(await addressOf(member)).toEqual([email, true]);
    expect((await signIn(email, member.password)).status).toBe(200);
    expect((await signIn(member.email, member.password)).status).toBe(401);
  });

  it('A taken address is answered alike, and refused at the confirmation', async () => {
    const [member, other] = [await signUp(api), await signUp(api)];
    const [free, taken] = [await ask(member, newEmail()), await ask(member, other.email)];
    const shape = ({ status, text, headers }: Reply) => [status, text, [...headers.keys()].sort()];
    expect(shape(taken)).toEqual(shape(free));
    expect(free.status).toBe(204);
    const refused = await confirm(await tokenFor(other.email));
    expect(weak(refused)).toEqual([409, 'email_taken']);
    expect(refused.body.detail).toContain('yours was not changed');
    expect(await addressOf(member)).toEqual([member.email, false]);
    expect(await addressOf(other)).toEqual([other.email, false]);
  });

  it('Two people who confirm one address get it once', async () => {
    const [members, email] = [[await signUp(api), await signUp(api)], newEmail()];
    const tokens: string[] = [];
    for (const member of members) {
      await ask(member, email);
      tokens.push(await tokenFor(email));
    }
    const replies = await Promise.all(tokens.map((token) => confirm(token)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await api.sql('select 1 from users where email = $1', [email])).toHaveLength(1);
  });

  it('A change of the address needs the password', async () => {
    const [member, email] = [await signUp(api), newEmail()];
    expect(weak(await ask(member, email, 'not the password'))).toEqual([403, 'wrong_password']);
    expect(await mailbox.read(email)).toEqual([]);
    for (let i = 1; i < KNOWN_GUESSES; i++) {
      expect((await ask(member, email, 'not the password')).status).toBe(403);
    }
    expect(weak(await ask(member, email))).toEqual([429, 'rate_limited']);
  });

  it('A link that changes the address works once, for a day, until the next', async () => {
    const [member, first, second] = [await signUp(api), newEmail(), newEmail()];
    await ask(member, first);
    await ask(member, second);
    const [older, newer] = [await tokenFor(first), await tokenFor(second)];
    const [{ hours }] = (await api.sql(
      `select round(extract(epoch from expires_at - now()) / 3600)::int as hours from verifications
       where identifier like 'email-change:%' and value like $1`,
      [`${member.userId} %`],
    )) as [{ hours: number }];
    expect(hours).toBe(24);
    const replies = await Promise.all(Array.from({ length: 20 }, () => confirm(newer)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = [
      ...replies.filter(({ status }) => status !== 200),
      await confirm(older),
      await confirm('x'),
    ];
    for (const reply of refused) expect(weak(reply)).toEqual([400, 'invalid_link']);
    expect(new Set(refused.map(({ body }) => body.detail)).size).toBe(1);
    expect(await addressOf(member)).toEqual([second, true]);
  });

  it('An expired link changes no address', async () => {
    const [member, email] = [await signUp(api), newEmail()];
    await ask(member, email);
    await api.sql(`update verifications set expires_at = now() where value = $1`, [
      `${member.userId} ${email}`,
    ]);
    expect(weak(await confirm(await tokenFor(email)))).toEqual([400, 'invalid_link']);
    expect(await addressOf(member)).toEqual([member.email, false]);
  });

  it('An unconfirmed address gets no notice of a change', async () => {
    const member = await signUp(api);
    await ask(member, newEmail());
    expect(await mailbox.read(member.email)).toHaveLength(1);
  });

  it('The address of before is refused, and mails are limited', async () => {
    const member = await signUp(api);
    expect(weak(await ask(member, member.email.toUpperCase()))).toEqual([409, 'email_unchanged']);
    for (let i = 0; i < 5; i++) expect((await ask(member, newEmail())).status).toBe(204);
    expect(weak(await ask(member, newEmail()))).toEqual([429, 'rate_limited']);
  });

  it('A link of the old address confirms and resets nothing after the change', async () => {
    const [member, email] = [await signUp(api), newEmail()];
    const verification = await mailbox.token(member.email, '/verify-email');
    await post(api, '/auth/password/forgot', { email: member.email });
    const reset = await mailbox.token(member.email, '/reset-password');
    await ask(member, email);
    expect((await confirm(await tokenFor(email))).status).toBe(200);
    for (const [path, body] of [
      ['/auth/verification/confirm', { token: verification }],
      ['/auth/password/reset', { token: reset, password: NEW }],
    ] as const) {
      expect(weak(await post(api, path, body))).toEqual([400, 'invalid_link']);
    }
  });
});

describe('the tenant', () => {
  const nameOf = async (member: TestMember): Promise<unknown> => (await member.get('/tenant')).body.name;
  const entries = ({ tenantId }: TestMember) =>
    api.sql('select action, actor_kind, actor_id, metadata from audit_events where tenant_id = $1', [
      tenantId,
    ]);

  it('A tenant is renamed with an audit entry', async () => {
    const [member, other] = [await signUp(api), await signUp(api)];
    const before = await nameOf(other);
    expect((await member.get('/tenant')).body).toEqual({
      id: member.tenantId,
      name: expect.stringMatching(/’s team$/),
    });
    const reply = await member.send('PATCH', '/tenant', { name: ' Acme Robotics ' });
    expect([reply.status, reply.body]).toEqual([200, { id: member.tenantId, name: 'Acme Robotics' }]);
    expect((await member.get('/auth/session')).body.tenant).toEqual(reply.body);
    expect(await nameOf(other)).toBe(before);
    const entry = {
      action: 'tenant.updated',
      actor_kind: 'member',
      actor_id: member.userId,
      metadata: { changed: ['name'] },
    };
    expect(await entries(member)).toEqual([entry]);
    await member.send('PATCH', '/tenant', { name: 'Acme Robotics' });
    expect(await entries(member)).toEqual([entry]);
  });

  it('A tenant is not renamed without the entry', async () => {
    const member = await signUp(api);
    const before = await nameOf(member);
    await api.sql(
      `alter table audit_events add constraint none check (action <> 'tenant.updated') not valid`,
    );
    try {
      expect((await member.send('PATCH', '/tenant', { name: 'Acme' })).status).toBe(500);
    } finally {
      await api.sql('alter table audit_events drop constraint none');
    }
    expect(await nameOf(member)).toBe(before);
  });

  it.each([
    ['owner', 200],
    ['admin', 200],
    ['member', 403],
  ])('A tenant is renamed by owners and admins: %s', async (role, status) => {
    const member = await signUp(api);
    await api.sql('update members set role = $1 where user_id = $2', [role, member.userId]);
    expect((await member.get('/tenant')).status).toBe(200);
    expect((await member.send('PATCH', '/tenant', { name: 'Acme' })).status).toBe(status);
    expect((await nameOf(member)) === 'Acme').toBe(status === 200);
  });

  it.each(['', ' ', 'a\nb', 'x'.repeat(129), 5])('takes no name such as %j', async (name) => {
    const member = await signUp(api);
    expect(weak(await member.send('PATCH', '/tenant', { name }))).toEqual([400, 'validation_failed']);
  });

  it('and its name change 20 times an hour', async () => {
    const member = await signUp(api);
    for (let i = 0; i < 20; i++) {
      expect((await member.send('PATCH', '/tenant', { name: `Acme ${i}` })).status).toBe(200);
    }
    expect((await member.send('PATCH', '/tenant', { name: 'Acme' })).status).toBe(429);
  });

  it('are of no agent', async () => {
    expect((await call(api, '/tenant', { headers: { authorization: 'Bearer x' } })).status).toBe(401);
  });
});
