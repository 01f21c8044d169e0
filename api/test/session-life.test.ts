import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { operations, send } from './support/operations.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** As if so many days had gone by for the member's session. */
const letPass = ({ userId }: TestMember, days: number) =>
  api.sql(
    `update sessions set created_at = created_at - make_interval(hours => $2),
       updated_at = updated_at - make_interval(hours => $2), expires_at = expires_at - make_interval(hours => $2)
     where user_id = $1`,
    [userId, Math.round(days * 24)],
  );

const RENEWED = /^sentryagent=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/;

describe('A session in use is renewed with its cookie', () => {
  it.each(['/auth/session', '/agents', '/agents/agt_00000000000000000000000000'])(
    'by %s on the sixth day, and lives on the twelfth',
    async (path) => {
      const member = await signUp(api);
      await letPass(member, 6);
      const renewed = await member.get(path);
      expect([200, 404]).toContain(renewed.status);
      expect(renewed.headers.getSetCookie()).toEqual([expect.stringMatching(RENEWED)]);
      expect(member.cookie).toContain(cookiesOf(renewed));
      await letPass(member, 6);
      expect((await member.get('/agents')).status).toBe(200);
    },
  );

  const isRenewed = async ({ userId }: TestMember): Promise<boolean> => {
    const [session] = await api.sql(
      `select expires_at > now() + interval '6 days' as renewed from sessions where user_id = $1`,
      [userId],
    );
    return session?.renewed === true;
  };

  it.each(operations.map((operation) => [operation.id, operation] as const))(
    'wherever it is renewed: %s',
    async (_id, operation) => {
      const member = await signUp(api);
      await letPass(member, 2);
      const headers = { cookie: member.cookie, origin: DASHBOARD_URL };
      const reply = await send(api, operation, { headers });
      const renewed = await isRenewed(member);
      expect(renewed).toBe(operation.readsSession);
      const lines = reply.headers.getSetCookie().filter((line) => RENEWED.test(line));
      expect(lines).toHaveLength(renewed ? 1 : 0);
    },
  );

  it('by a change as well', async () => {
    const member = await signUp(api);
    await letPass(member, 2);
    const made = await member.post('/agents', { name: 'renews' });
    expect([made.status, made.headers.getSetCookie()]).toEqual([201, [expect.stringMatching(RENEWED)]]);
  });

  it('and once a day is often enough', async () => {
    const member = await signUp(api);
    expect((await member.get('/agents')).headers.getSetCookie()).toEqual([]);
    await letPass(member, 2);
    const cookies = await Promise.all(
      [1, 2, 3].map(async () => {
        await member.get('/agents');
        return (await member.get('/agents')).headers.getSetCookie();
      }),
    );
    expect(cookies).toEqual([[], [], []]);
  });
});

it('An idle session ends after seven days', async () => {
  const member = await signUp(api);
  await letPass(member, 6.9);
  await letPass(member, 0.1);
  for (const path of ['/auth/session', '/agents']) {
    const reply = await member.get(path);
    expect([reply.status, reply.body.code, reply.headers.getSetCookie()]).toEqual([401, 'unauthorized', []]);
  }
});

describe('A session ends 30 days after the sign-in', () => {
  it('although it is used every day', async () => {
    const member = await signUp(api);
    const renewals: number[] = [];
    for (let day = 1; day < 30; day++) {
      await letPass(member, 1);
      const reply = await member.get('/auth/session');
      expect([day, reply.status]).toEqual([day, 200]);
      if (reply.headers.getSetCookie().length > 0) renewals.push(day);
      expect((await member.get('/auth/session')).headers.getSetCookie()).toEqual([]);
    }
    // From the 23rd day on the end is fixed, and nothing is to be gained by another renewal.
    expect(renewals).toEqual(Array.from({ length: 23 }, (_, day) => day + 1));
    await letPass(member, 1);
    for (const path of ['/auth/session', '/agents']) expect((await member.get(path)).status).toBe(401);
  });

  it('whatever is written into its row', async () => {
    const member = await signUp(api);
    await api.sql(`update sessions set expires_at = now() + interval '1 year' where user_id = $1`, [
      member.userId,
    ]);
    const ends = await api.sql(
      `select expires_at = created_at + interval '30 days' as capped from sessions where user_id = $1`,
      [member.userId],
    );
    expect(ends).toEqual([{ capped: true }]);
    const inserted = await api.sql(
      `insert into sessions (id, token, user_id, expires_at, created_at, updated_at)
       select 'long ' || id, 'long ' || token, user_id, now() + interval '1 year', created_at, updated_at
       from sessions where user_id = $1
       returning expires_at = created_at + interval '30 days' as capped`,
      [member.userId],
    );
    expect(inserted).toEqual([{ capped: true }]);
    await api.sql(`update sessions set created_at = now() - interval '30 days' where user_id = $1`, [
      member.userId,
    ]);
    const found = await api.sql(
      'select m.* from sessions s, find_session_member(s.id) m where s.user_id = $1',
      [member.userId],
    );
    expect(found).toEqual([]);
    expect((await member.get('/agents')).status).toBe(401);
  });
});
