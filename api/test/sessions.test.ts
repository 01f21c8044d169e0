import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, signUp } from './support/callers.ts';
import type { Json, TestMember } from './support/callers.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const EDGE =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0';

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
beforeAll(async () => {
  api = await startApi();
  second = await startApi({ database: api.database });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

/** Signs in once more, with this browser. Returns the cookie of the session. */
const signInWith = async ({ email, password }: TestMember, userAgent: string): Promise<string> => {
  const reply = await post(api, '/auth/sign-in', { email, password }, { 'user-agent': userAgent });
  return cookiesOf(reply).split('; ')[0]!;
};
const read = (cookie: string, path: string, process = api) => call(process, path, { headers: { cookie } });
const list = async (cookie: string): Promise<Json[]> =>
  (await read(cookie, '/auth/sessions')).body.data as Json[];
const isLive = async (cookie: string): Promise<boolean[]> => {
  const replies = await Promise.all(
    [api, second].flatMap((process) =>
      ['/auth/session', '/agents'].map((path) => read(cookie, path, process)),
    ),
  );
  return [...new Set(replies.map(({ status }) => status !== 401))];
};

describe('The list of sessions says what is known', () => {
  it('of each, and nothing that opens one', async () => {
    const member = await signUp(api);
    const [firefox, safari] = [await signInWith(member, FIREFOX), await signInWith(member, SAFARI)];
    const reply = await read(firefox, '/auth/sessions');
    expect(reply.status).toBe(200);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const entry = { id: expect.stringMatching(/^ses_/), createdAt: time, renewedAt: time, expiresAt: time };
    expect(reply.body.data).toEqual([
      { ...entry, browser: 'Firefox', system: 'Linux', isCurrent: true },
      { ...entry, browser: 'Safari', system: 'iOS', isCurrent: false },
      { ...entry, browser: null, system: null, isCurrent: false },
    ]);
    const rows = await api.sql('select token, ip_address from sessions where user_id = $1', [member.userId]);
    expect(rows.map(({ ip_address }) => ip_address ?? '')).toEqual(['', '', '']);
    for (const { token } of rows) expect(reply.text).not.toContain(token);
    expect((await list(safari)).map(({ isCurrent }) => isCurrent)).toEqual([true, false, false]);
  });

  it('in words, whatever a browser calls itself', async () => {
    const member = await signUp(api);
    await signInWith(member, EDGE);
    for (const strange of ['', 'x', `${'x'.repeat(600)} (`, '<script>alert(1)</script>', '\u00ff/1.0 ()']) {
      await signInWith(member, strange);
    }
    const known = (await list(member.cookie)).map(({ browser, system }) => [browser, system]);
    expect(known).toContainEqual(['Microsoft Edge', 'Windows']);
    for (const word of known.flat())
      expect(word === null || /^[\w .-]{1,40}$/.test(word as string)).toBe(true);
  });

  it('The 101st session ends the oldest one', async () => {
    const [member, other] = [await signUp(api), await signUp(api)];
    for (const { userId } of [member, other])
      await api.sql(
        `insert into sessions (id, token, user_id, created_at, updated_at, expires_at)
         select 'full ' || $1 || n, 'full ' || $1 || n, $1, now() - make_interval(mins => n), now(),
           now() + interval '1 day'
         from generate_series(1, 150) n`,
        [userId],
      );
    const before = await isLive(member.cookie);
    const cookies = await Promise.all([signInWith(member, FIREFOX), signInWith(member, SAFARI)]);
    const left = await api.sql('select user_id, id from sessions where user_id = any ($1) order by id', [
      [member.userId, other.userId],
    ]);
    expect(left.filter(({ user_id: user }) => user === member.userId)).toHaveLength(100);
    expect(left.filter(({ user_id: user }) => user === other.userId)).toHaveLength(151);
    expect([before, await Promise.all([member.cookie, ...cookies].map(isLive))]).toEqual([
      [true],
      [[true], [true], [true]],
    ]);
    expect(left.map(({ id }) => id)).not.toContain(`full ${member.userId}98`);
  });

  /** Each made a second before the next one. */
  const store = ({ userId }: TestMember, count: number, ends: string) =>
    api.sql(
      `insert into sessions (id, token, user_id, expires_at, created_at, updated_at)
       select $3 || n, $1 || $3 || n, $1, now() + $3::interval, now() - make_interval(secs => $2 - n), now()
       from generate_series(1, $2::int) n`,
      [userId, count, ends],
    );

  it('without those that have ended', async () => {
    const member = await signUp(api);
    await store(member, 2, '-1 second');
    await store(member, 2, '1 hour');
    expect((await list(member.cookie)).map(({ id }) => id).slice(1)).toEqual(['1 hour2', '1 hour1']);
  });

  it('and at most the 100 newest', async () => {
    const member = await signUp(api);
    await store(member, 120, '1 day');
    await api.sql(
      `update sessions set created_at = created_at - interval '1 hour' where user_id = $1 and id like 'ses%'`,
      [member.userId],
    );
    const sessions = await list(member.cookie);
    expect(sessions[0]).toMatchObject({ isCurrent: true });
    const newest = Array.from({ length: 99 }, (_, i) => `1 day${120 - i}`);
    expect(sessions.slice(1).map(({ id }) => id)).toEqual(newest);
  });
});

describe('An ended session stops at once in every process', () => {
  it('one', async () => {
    const member = await signUp(api);
    const cookies = [await signInWith(member, FIREFOX), await signInWith(member, SAFARI)];
    for (const cookie of cookies) expect(await isLive(cookie)).toEqual([true]);
    const session = (await list(member.cookie)).find(({ browser }) => browser === 'Firefox')!;
    const ended = await member.send('DELETE', `/auth/sessions/${String(session.id)}`);
    expect([ended.status, ended.text]).toEqual([204, '']);
    expect(await Promise.all(cookies.map(isLive))).toEqual([[false], [true]]);
    expect(await isLive(member.cookie)).toEqual([true]);
    expect(await list(member.cookie)).toHaveLength(2);
  });

  it('all others', async () => {
    const [member, other] = [await signUp(api), await signUp(api)];
    const cookies = [await signInWith(member, FIREFOX), await signInWith(member, SAFARI)];
    const ended = await member.send('POST', '/auth/sessions/end-others');
    expect([ended.status, ended.body]).toEqual([200, { ended: 2 }]);
    expect(await Promise.all(cookies.map(isLive))).toEqual([[false], [false]]);
    for (const { cookie } of [member, other]) expect(await isLive(cookie)).toEqual([true]);
    expect((await member.send('POST', '/auth/sessions/end-others')).body).toEqual({ ended: 0 });
  });

  it('the one that asks as well, if it says so by its id', async () => {
    const member = await signUp(api);
    const [current] = await list(member.cookie);
    expect((await member.send('DELETE', `/auth/sessions/${String(current!.id)}`)).status).toBe(204);
    expect(await isLive(member.cookie)).toEqual([false]);
  });
});

it('A session of another person is not there', async () => {
  const [member, other] = [await signUp(api), await signUp(api)];
  const [foreign] = await list(other.cookie);
  const cookie = await signInWith(member, FIREFOX);
  const [own] = await list(cookie);
  await member.send('POST', '/auth/sessions/end-others');
  const texts = new Set<string>();
  for (const id of [foreign!.id, own!.id, 'ses_00000000000000000000000000', 'none', '%00', 'a'.repeat(200)]) {
    const { status, body, text } = await member.send('DELETE', `/auth/sessions/${String(id)}`);
    expect([id, status, body.code]).toEqual([id, 404, 'not_found']);
    texts.add(text.replace(String(body.requestId), 'the request id'));
  }
  expect(texts.size).toBe(1);
  for (const each of [member, other]) expect(await isLive(each.cookie)).toEqual([true]);
});

describe('A member’s session is read at each request', () => {
  const changes: [what: string, change: (member: TestMember) => Promise<unknown>][] = [
    ['a sign-out', ({ cookie }) => post(second, '/auth/sign-out', undefined, { cookie })],
    [
      'the end of its time',
      ({ userId }) => api.sql('update sessions set expires_at = now() where user_id = $1', [userId]),
    ],
    ['the end of the user', ({ userId }) => api.sql('delete from users where id = $1', [userId])],
    [
      'the end of the membership',
      ({ userId }) => api.sql('delete from members where user_id = $1', [userId]),
    ],
    [
      'a new password',
      ({ userId }) => api.sql(`update accounts set password = 'x' where user_id = $1`, [userId]),
    ],
  ];
  it.each(changes)('so %s ends it at once in every process', async (_what, change) => {
    const member = await signUp(api);
    expect(await isLive(member.cookie)).toEqual([true]);
    await change(member);
    expect(await isLive(member.cookie)).toEqual([false]);
  });

  it('and with it the role', async () => {
    const { cookie, userId } = await signUp(api);
    const register = async (process: TestApi) =>
      (await post(process, '/agents', { name: crypto.randomUUID() }, { cookie })).status;
    for (const [role, status] of [
      ['owner', 201],
      ['member', 403],
      ['admin', 201],
    ] as const) {
      await api.sql('update members set role = $1 where user_id = $2', [role, userId]);
      expect([role, await register(api), await register(second)]).toEqual([role, status, status]);
    }
  });

  it('in the chosen tenant, if the user is a member of it', async () => {
    const [member, host, stranger] = [await signUp(api), await signUp(api), await signUp(api)];
    await api.sql(
      `insert into members (id, tenant_id, user_id, role, created_at) values ($1, $2, $1, 'member', now())`,
      [member.userId, host.tenantId],
    );
    for (const [chosen, tenantId, role] of [
      [null, member.tenantId, 'owner'],
      [host.tenantId, host.tenantId, 'member'],
      [stranger.tenantId, member.tenantId, 'owner'],
    ]) {
      await api.sql('update sessions set active_tenant_id = $1 where user_id = $2', [chosen, member.userId]);
      for (const process of [api, second]) {
        const { body } = await read(member.cookie, '/auth/session', process);
        expect([(body.tenant as Json).id, body.role]).toEqual([tenantId, role]);
      }
    }
  });

  it('by one statement', async () => {
    const { cookie } = await signUp(api);
    await read(cookie, '/auth/session');
    const taken = vi.spyOn(api.deps.peoplePool, 'connect');
    const others = [vi.spyOn(api.deps.db, 'withTenant'), vi.spyOn(api.deps.db, 'acrossTenants')];
    expect((await read(cookie, '/auth/session')).status).toBe(200);
    expect([taken, ...others].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
    vi.restoreAllMocks();
  });

  it('that only the first cookie of the name and our own signature reach', async () => {
    const [member, other] = [await signUp(api), await signUp(api)];
    const [name, value] = member.cookie.split('; ')[0]!.split('=') as [string, string];
    const token = value.split('.')[0]!;
    const signed = (secret: string) =>
      encodeURIComponent(createHmac('sha256', secret).update(token).digest('base64'));
    const cookies: [cookie: string, status: number][] = [
      [`${name}=${token}.${signed(api.deps.config.AUTH_SECRET)}`, 200],
      [`a=b; ${name}=${decodeURIComponent(value)}`, 200],
      [`${name}=${value}; ${other.cookie}`, 200],
      [`${name}=x; ${name}=${value}`, 401],
      [`${name}=${token}.${signed('another secret that has 32 characters')}`, 401],
      [`${name}=${token}.${signed('')}`, 401],
      [`${name}=${token}.${'A'.repeat(43)}=`, 401],
      [`${name}=${token}.`, 401],
      [`${name}=${value}%00`, 401],
      [`${name}=%E0%A4%A; ${name}=${value}`, 401],
      [`x${name}=${value}`, 401],
    ];
    for (const [cookie, status] of cookies)
      expect([cookie, (await read(cookie, '/auth/session')).status]).toEqual([cookie, status]);
    const { body } = await read(`${name}=${value}; ${other.cookie}`, '/auth/session');
    expect((body.user as Json).id).toBe(member.userId);
  });
});
