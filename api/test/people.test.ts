import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { peopleOptions } from '../src/platform/people.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, insist, post, registerAgent, signUp } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { adminUrl } from './support/servers.ts';

const PASSWORD = 'correct horse battery';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let people = 0;
const newEmail = (): string => `person-${++people}@example.com`;

const withoutRequestId = ({ text, body }: Reply): string =>
  text.replace(String(body.requestId), 'the request id');

describe('POST /auth/sign-up', () => {
  it('makes an account and signs it in', async () => {
    const email = newEmail();
    const reply = await post(api, '/auth/sign-up', { email, password: PASSWORD, name: 'Ada' });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ user: { id: expect.stringMatching(/^usr_/), email, name: 'Ada' } });
    const rows = await api.sql(
      `select u.id, a.provider_id, a.password like '%' || $2 || '%' as plain
       from users u join accounts a on a.user_id = u.id where u.email = $1`,
      [email, PASSWORD],
    );
    const { id } = reply.body.user as { id: string };
    expect(rows).toEqual([{ id, provider_id: 'credential', plain: false }]);
  });

  it('takes the address before the @ for a name when none is given', async () => {
    const reply = await post(api, '/auth/sign-up', { email: 'grace@example.com', password: PASSWORD });
    expect((reply.body.user as { name: string }).name).toBe('grace');
  });

  it('A taken address is told, in whatever case it is written', async () => {
    const email = newEmail();
    await post(api, '/auth/sign-up', { email, password: PASSWORD });
    for (const again of [email, email.toUpperCase()]) {
      const reply = await post(api, '/auth/sign-up', { email: again, password: 'another password' });
      expect([reply.status, reply.body.code]).toEqual([409, 'email_taken']);
      expect(reply.body.detail).toContain('Sign in');
      expect(cookiesOf(reply)).toBe('');
    }
    const rows = await api.sql('select count(*)::int as rows from users where lower(email) = $1', [email]);
    expect(rows).toEqual([{ rows: 1 }]);
  });

  it('makes one account of two sign-ups at once, and tells the other', async () => {
    const email = newEmail();
    const both = [1, 2].map(() => post(api, '/auth/sign-up', { email, password: PASSWORD }));
    const replies = (await Promise.all(both)).map(({ status, body }) => [status, body.code]);
    expect(replies.sort()).toEqual([
      [200, undefined],
      [409, 'email_taken'],
    ]);
  });

  it.each([
    ['a password of 7 characters', { password: 'x'.repeat(7) }],
    ['a password of 129 characters', { password: 'x'.repeat(129) }],
    ['a password with half a character', { password: `${PASSWORD}\ud800` }],
    ['no password', { password: undefined }],
    ['no email', { email: undefined }],
    ['an email without a host', { email: 'ada@' }],
    ['an email with a space', { email: 'a da@example.com' }],
    ['an email of 255 characters', { email: `${'a'.repeat(243)}@example.com` }],
    ['an empty name', { name: ' ' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a role', { role: 'owner' }],
    ['a verified address', { emailVerified: true }],
  ])('refuses %s with 400 and makes no account', async (_what, change) => {
    const [before] = await api.sql('select count(*) from users');
    const reply = await post(api, '/auth/sign-up', { email: newEmail(), password: PASSWORD, ...change });
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    const [field] = Object.keys(change);
    expect((reply.body.errors as { path: string }[])[0]!.path).toMatch(new RegExp(`^body(\\.${field})?$`));
    expect(await api.sql('select count(*) from users')).toEqual([before]);
  });

  it.each([8, 128])('takes a password of %i characters', async (length) => {
    const [email, password] = [newEmail(), 'x'.repeat(length)];
    expect((await post(api, '/auth/sign-up', { email, password })).status).toBe(200);
    expect((await post(api, '/auth/sign-in', { email, password })).status).toBe(200);
  });
});

describe('the first signed-in request', () => {
  it('A new person owns a new tenant', async () => {
    const email = newEmail();
    const signedUp = await post(api, '/auth/sign-up', { email, password: PASSWORD, name: 'Ada' });
    const cookie = cookiesOf(signedUp);
    const { id: userId } = signedUp.body.user as { id: string };
    const memberships = () =>
      api.sql(
        `select m.tenant_id, m.role, s.tier, s.status, h.sequence::int as sequence
         from members m left join tenant_subscriptions s using (tenant_id) left join audit_heads h using (tenant_id)
         where m.user_id = $1`,
        [userId],
      );
    expect(await memberships()).toEqual([]);

    const paths = ['/auth/session', '/agents', '/billing/usage'];
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) => insist(() => call(api, paths[i % 3]!, { headers: { cookie } }))),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    const session = (await call(api, '/auth/session', { headers: { cookie } })).body;
    expect(session).toEqual({
      user: { id: userId, email, name: 'Ada', emailVerified: false },
      tenant: { id: expect.stringMatching(/^ten_/), name: 'Ada’s team' },
      role: 'owner',
    });
    const { id: tenantId } = session.tenant as { id: string };
    expect(await memberships()).toEqual([
      { tenant_id: tenantId, role: 'owner', tier: 'free', status: 'active', sequence: 0 },
    ]);
    expect(await api.sql('select id from tenants where slug = $1', [userId])).toEqual([{ id: tenantId }]);
  });

  it('makes no tenant for a person who is a member already', async () => {
    const host = await signUp(api);
    const guest = await post(api, '/auth/sign-up', { email: newEmail(), password: PASSWORD });
    await api.sql(
      `insert into members (id, tenant_id, user_id, role, created_at) values ($1, $2, $1, 'member', now())`,
      [(guest.body.user as { id: string }).id, host.tenantId],
    );
    const { body } = await call(api, '/auth/session', { headers: { cookie: cookiesOf(guest) } });
    expect([body.role, (body.tenant as { id: string }).id]).toEqual(['member', host.tenantId]);
  });
});

describe('POST /auth/sign-in', () => {
  it('A wrong password is answered clearly, and an unknown address byte for byte the same', async () => {
    const { email } = await signUp(api);
    const wrong = await post(api, '/auth/sign-in', { email, password: 'not the password' });
    const unknown = await post(api, '/auth/sign-in', { email: newEmail(), password: PASSWORD });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);
    expect(wrong.body.detail).toBe('The email address or the password is wrong. Check both and try again.');
    expect(unknown.status).toBe(401);
    expect(withoutRequestId(unknown)).toBe(withoutRequestId(wrong));
    const names = ({ headers }: Reply) => [...headers.keys()].sort();
    expect(names(unknown)).toEqual(names(wrong));
    expect(cookiesOf(wrong)).toBe('');
  });

  it('starts a session of its own each time, also when a session is sent along', async () => {
    const member = await signUp(api);
    const signIn = async (headers: Record<string, string> = {}) =>
      cookiesOf(
        await post(api, '/auth/sign-in', { email: member.email, password: member.password }, headers),
      );
    const cookies = [member.cookie, await signIn(), await signIn({ cookie: member.cookie })];
    expect(new Set(cookies).size).toBe(3);
    for (const cookie of cookies) {
      expect((await call(api, '/auth/session', { headers: { cookie } })).status).toBe(200);
    }
  });

  it('takes no session id that the caller has chosen', async () => {
    const { email, password } = await signUp(api);
    const cookie = 'sentryagent=chosen.chosen';
    const reply = await post(api, '/auth/sign-in', { email, password }, { cookie });
    expect(cookiesOf(reply)).toMatch(/^sentryagent=/);
    expect(cookiesOf(reply)).not.toContain('chosen');
  });
});

describe('POST /auth/sign-out', () => {
  const signOut = (cookie?: string) =>
    call(api, '/auth/sign-out', {
      method: 'POST',
      headers: { origin: DASHBOARD_URL, ...(cookie && { cookie }) },
    });

  it('A signed out cookie is worthless', async () => {
    const member = await signUp(api);
    const reply = await signOut(member.cookie);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect(reply.headers.getSetCookie()).toContainEqual(
      'sentryagent=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
    );
    for (const path of ['/auth/session', '/agents']) {
      const refused = await member.get(path);
      expect([refused.status, refused.body.code]).toEqual([401, 'unauthorized']);
    }
    expect(await api.sql('select id from sessions where user_id = $1', [member.userId])).toEqual([]);
  });

  it('ends that session alone', async () => {
    const member = await signUp(api);
    const second = cookiesOf(
      await post(api, '/auth/sign-in', { email: member.email, password: member.password }),
    );
    await signOut(member.cookie);
    expect((await call(api, '/auth/session', { headers: { cookie: second } })).status).toBe(200);
  });

  it('of a session that the database does not end is answered 503', async () => {
    const member = await signUp(api);
    await api.sql(`create function keep_sessions() returns trigger language plpgsql as
      $$ begin raise exception 'kept'; end $$`);
    await api.sql(
      'create trigger keep_sessions before delete on sessions for each row execute function keep_sessions()',
    );
    try {
      expect((await signOut(member.cookie)).status).toBe(503);
      expect((await member.get('/auth/session')).status).toBe(200);
    } finally {
      await api.sql('drop function keep_sessions cascade');
    }
    expect((await signOut(member.cookie)).status).toBe(204);
  });

  it.each([
    ['no session', undefined],
    ['a session that is over', 'sentryagent=x.y'],
  ])('answers 204 with %s', async (_what, cookie) => {
    expect((await signOut(cookie)).status).toBe(204);
  });
});

describe('the session cookie', () => {
  const setCookie = async (target: TestApi, origin: string): Promise<string[]> => {
    const reply = await post(target, '/auth/sign-up', { email: newEmail(), password: PASSWORD }, { origin });
    expect(reply.status).toBe(200);
    return reply.headers.getSetCookie();
  };

  it('The session cookie has its flags, on http and on https', async () => {
    const [plain, device, ...more] = await setCookie(api, DASHBOARD_URL);
    expect(plain).toMatch(/^sentryagent=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(device).toMatch(/^sentryagent-device=[^;]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(more).toEqual([]);

    const secure = await startApi({ env: { DASHBOARD_URL: 'https://dashboard.test' } });
    const [line, secureDevice, ...others] = await setCookie(secure, 'https://dashboard.test');
    expect(line).toMatch(
      /^__Host-sentryagent=[^;]+; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(secureDevice).toMatch(
      /^__Host-sentryagent-device=[^;]+; Max-Age=15552000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(others).toEqual([]);
    const [cookie] = line!.split(';');
    expect((await call(secure, '/auth/session', { headers: { cookie: cookie! } })).status).toBe(200);
    const unpinned = cookie!.replace('__Host-', '');
    expect((await call(secure, '/auth/session', { headers: { cookie: unpinned } })).status).toBe(401);
    await secure.close();
  });

  it.each([
    ['without its signature', (value: string) => value.split('.')[0]!],
    ['with another session’s signature', (value: string, other: string) => swapSignature(value, other)],
    ['with a changed session', (value: string) => `${value[0] === 'a' ? 'b' : 'a'}${value.slice(1)}`],
    ['that is empty', () => ''],
    ['that is the session’s id', (_value: string, _other: string, id: string) => id],
  ])('%s is refused', async (_what, forge) => {
    const [member, other] = [await signUp(api), await signUp(api)];
    const value = (cookie: string) => /^sentryagent=([^;]*)/.exec(cookie)![1]!;
    const [session] = await api.sql('select id from sessions where user_id = $1', [member.userId]);
    const forged = forge(value(member.cookie), value(other.cookie), session!.id as string);
    expect(forged).not.toBe(value(member.cookie));
    for (const path of ['/auth/session', '/agents']) {
      const reply = await call(api, path, { headers: { cookie: `sentryagent=${forged}` } });
      expect([reply.status, reply.body.code]).toEqual([401, 'unauthorized']);
    }
  });

  it('of a session that has expired is refused', async () => {
    const member = await signUp(api);
    await api.sql(`update sessions set expires_at = now() - interval '1 second' where user_id = $1`, [
      member.userId,
    ]);
    expect((await member.get('/agents')).status).toBe(401);
  });
});

const swapSignature = (value: string, other: string): string =>
  `${value.split('.')[0]}.${other.split('.')[1]}`;

describe('the Origin of what changes something', () => {
  const foreign: [what: string, headers: Record<string, string>][] = [
    ['no Origin', {}],
    ['another Origin', { origin: 'http://elsewhere.test' }],
    ['the Origin null', { origin: 'null' }],
    ['another scheme', { origin: 'https://dashboard.test' }],
    ['a host that only begins alike', { origin: `${DASHBOARD_URL}.elsewhere.test` }],
    ['another port', { origin: `${DASHBOARD_URL}:8080` }],
    ['a Referer instead', { referer: `${DASHBOARD_URL}/agents` }],
  ];
  const send = (path: string, body: unknown, headers: Record<string, string>) =>
    call(api, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  it.each(foreign)('A foreign origin cannot mutate: %s', async (_what, headers) => {
    const { cookie, email, password, get, tenantId, userId } = await signUp(api);
    const attempts: [path: string, body: unknown][] = [
      ['/agents', { name: 'foreign' }],
      ['/auth/sign-in', { email, password }],
      ['/auth/sign-up', { email: newEmail(), password }],
      ['/auth/sign-out', {}],
      ['/auth/verification', {}],
      ['/auth/verification/confirm', { token: 'x' }],
      ['/auth/two-factor/enrolment', { password }],
      ['/auth/two-factor/enrolment/confirm', { code: '123456' }],
      ['/auth/two-factor/verify', { code: '123456' }],
      ['/auth/two-factor/turn-off', { password, code: '123456' }],
      ['/auth/two-factor/recovery-codes', { password, code: '123456' }],
      ['/auth/sessions/end-others', {}],
      ['/auth/password/forgot', { email }],
      ['/auth/password/reset', { token: 'x', password }],
      ['/auth/password/change', { currentPassword: password, newPassword: 'another horse battery' }],
      ['/auth/email/change', { email: newEmail(), password }],
      ['/auth/email/change/confirm', { token: 'x' }],
    ];
    const [before] = await api.sql('select count(*) from users');
    for (const [path, body] of attempts) {
      const reply = await send(path, body, { cookie, ...headers });
      expect([path, reply.status, reply.body.code]).toEqual([path, 403, 'origin_not_allowed']);
      expect(cookiesOf(reply)).toBe('');
    }
    expect((await get('/agents')).body.data).toEqual([]);
    expect(await api.sql('select count(*) from users')).toEqual([before]);
    expect(await api.sql('select count(*)::int as rows from sessions where user_id = $1', [userId])).toEqual([
      { rows: 1 },
    ]);
    expect(await api.sql('select 1 from audit_events where tenant_id = $1', [tenantId])).toEqual([]);
  });

  it('is not asked of a read, nor of an agent, whose token alone counts', async () => {
    const member = await signUp(api);
    const { cookie } = member;
    const reply = await call(api, '/agents', { headers: { cookie, origin: 'http://elsewhere.test' } });
    expect(reply.status).toBe(200);
    const agent = await registerAgent(api, member, ['agents:write', 'agents:read']);
    const headers = { authorization: `Bearer ${await agent.token()}`, cookie };
    expect((await send('/agents', { name: 'child' }, headers)).status).toBe(201);
  });
});

describe('roles', () => {
  it.each([
    ['owner', 201],
    ['admin', 201],
    ['member', 403],
  ])('a member with the role %s reads, and registers an agent with %i', async (role, status) => {
    const member = await signUp(api);
    await api.sql('update members set role = $1 where user_id = $2', [role, member.userId]);
    expect((await member.get('/auth/session')).body.role).toBe(role);
    expect((await member.get('/agents')).status).toBe(200);
    expect((await member.get('/billing/usage')).status).toBe(200);
    const reply = await member.post('/agents', { name: 'a' });
    expect(reply.status).toBe(status);
    if (status === 403) expect(reply.body.code).toBe('forbidden');
    expect((await member.get('/agents')).body.data).toHaveLength(status === 201 ? 1 : 0);
  });
});

describe('the attempt limits', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const expectLimited = (reply: Reply): void => {
    expect([reply.status, reply.body.code, reply.body.error]).toEqual([429, 'rate_limited', 'rate_limited']);
    const seconds = Number(reply.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(60);
  };
  const enter = (target: TestApi, path: string, address: string, body: Record<string, string>) =>
    post(target, path, body, from(address));
  /** Twenty wrong guesses, two at a time: as many as are hashed at once, so that none waits for its turn. */
  const expectRefused = async (attempt: (i: number) => Promise<Reply>): Promise<void> => {
    for (let first = 0; first < 20; first += 2) {
      const tries = await Promise.all([0, 1].map((i) => attempt(first + i)));
      expect(tries.map(({ status }) => status)).toEqual([401, 401]);
    }
  };

  it('lets one address sign up 5 times in a minute, and others as before', async () => {
    const attempt = (address: string) =>
      enter(api, '/auth/sign-up', address, { email: newEmail(), password: PASSWORD });
    for (let i = 0; i < 5; i++) expect((await attempt('192.0.2.1')).status).toBe(200);
    expectLimited(await attempt('192.0.2.1'));
    expect((await attempt('192.0.2.2')).status).toBe(200);
  });

  it('Sign-in attempts are limited by address', async () => {
    const { email, password } = await signUp(api);
    const guess = (i: number) =>
      enter(api, '/auth/sign-in', '192.0.2.3', { email: `nobody-${i}@example.com`, password });
    await expectRefused(guess);
    expectLimited(await enter(api, '/auth/sign-in', '192.0.2.3', { email, password }));
    expect((await enter(api, '/auth/sign-in', '192.0.2.4', { email, password })).status).toBe(200);
  });

  it('takes the addresses of one IPv6 host for one', async () => {
    const guess = (address: string, i: number) =>
      enter(api, '/auth/sign-in', address, { email: `none-${i}@example.com`, password: PASSWORD });
    await expectRefused((i) => guess(`2001:db8:0:1::${i}`, i));
    expectLimited(await guess('2001:db8:0:1:ffff::1', 20));
    expect((await guess('2001:db8:0:2::1', 21)).status).toBe(401);
  });

  it('Sign-ups are limited by network', async () => {
    const attempt = (address: string) =>
      enter(api, '/auth/sign-up', address, { email: newEmail(), password: PASSWORD });
    for (let i = 1; i <= 5; i++) expect((await attempt(`2001:db8:1:${i}::1`)).status).toBe(200);
    expectLimited(await attempt('2001:db8:1:ffff::1'));
    expect((await attempt('2001:db8:2::1')).status).toBe(200);
  });

  it('Sign-ups are limited together', async () => {
    const [one, member] = [await startApi({ env: { SIGN_UP_MAX_PER_MINUTE: '3' } }), await signUp(api)];
    const two = await startApi({ env: { SIGN_UP_MAX_PER_MINUTE: '3' }, database: one.database });
    const attempt = (target: TestApi) =>
      post(target, '/auth/sign-up', { email: newEmail(), password: PASSWORD });
    for (const target of [one, two, one]) expect((await attempt(target)).status).toBe(200);
    for (const target of [one, two]) expectLimited(await attempt(target));
    const guess = { email: member.email, password: member.password };
    expect((await post(one, '/auth/sign-in', guess)).status).toBe(401);
    await two.close();
    await one.close();
  });

  it('tells IPv4 hosts apart on a socket of both families, and knows them from one of their own', async () => {
    const attempt = (address: string) =>
      enter(api, '/auth/sign-up', address, { email: newEmail(), password: PASSWORD });
    for (let i = 0; i < 5; i++) expect((await attempt('::ffff:192.0.2.5')).status).toBe(200);
    expectLimited(await attempt('192.0.2.5'));
    expect((await attempt('::ffff:192.0.2.6')).status).toBe(200);
  });

  it('Forged forwarded addresses escape no limit', async () => {
    const target = await startApi({ env: { TRUSTED_PROXIES: '10.0.0.1' } });
    const { email, password } = await signUp(target);
    const attempt = (i: number) =>
      enter(target, '/auth/sign-in', `198.51.100.${i}`, { email: `nobody-${i}@example.com`, password });
    await expectRefused(attempt);
    expectLimited(await enter(target, '/auth/sign-in', '198.51.100.99', { email, password }));
    await target.close();
  });
});

it('gives no id to a model of better-auth that has no prefix', () => {
  const { advanced } = peopleOptions({
    pool: new pg.Pool({ max: 1 }),
    dashboardUrl: DASHBOARD_URL,
    secret: 'x'.repeat(32),
  });
  const { generateId } = advanced.database;
  expect(generateId({ model: 'session' })).toMatch(/^ses_/);
  expect(() => generateId({ model: 'passkey' })).toThrow('"passkey"');
});

it('better-auth’s own migrator finds nothing to add', async () => {
  const pool = new pg.Pool({ connectionString: adminUrl(api.database) });
  const options = peopleOptions({ pool, dashboardUrl: DASHBOARD_URL, secret: 'x'.repeat(32) });
  const { toBeCreated, toBeAdded, toBeAddedIndexes } = await getMigrations(options);
  await pool.end();
  expect({ toBeCreated, toBeAdded, toBeAddedIndexes }).toEqual({
    toBeCreated: [],
    toBeAdded: [],
    toBeAddedIndexes: [],
  });
});
