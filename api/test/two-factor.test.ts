import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { until } from '../../dev/test/support/until.ts';
import { codeOfApp } from '../../dev/test/support/totp.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, insist, post, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { openMailbox } from './support/mailbox.ts';
import { adminUrl } from './support/servers.ts';
import {
  beginSignIn,
  createTestClock,
  signUpConfirmed,
  signUpGuarded,
  verify,
} from './support/two-factor.ts';
import type { Guarded } from './support/two-factor.ts';
import { beforeSessionIsStored } from './support/waiting-session.ts';

const clock = createTestClock();
let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
beforeAll(async () => {
  api = await startApi({ clock: clock.read });
  second = await startApi({ clock: clock.read, database: api.database });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const mailbox = openMailbox(() => api);

const shape = ({ status, body }: Reply): unknown[] => [status, body.code];
const statuses = (replies: Reply[]): number[] => replies.map(({ status }) => status).sort();

/** Opens the connections that a race needs, because a busy machine answers 503 while it opens many. */
const warmUp = async ({ cookie }: TestMember): Promise<void> => {
  const headers = { cookie };
  const reads = Array.from({ length: 10 }, (_, i) =>
    insist(() => call(i % 2 ? api : second, '/auth/two-factor', { headers })),
  );
  await Promise.all(reads);
};

/** Of requests that were sent at once one succeeds. Another may also have found no connection in time. */
const expectOneWinner = (replies: Reply[], codes: string[]): void => {
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const { status, body } of replies) {
    if (status !== 200) expect([...codes, 'service_unavailable']).toContain(body.code);
  }
};

const sessionsOf = async ({ userId }: TestMember): Promise<number> =>
  (await api.sql('select id from sessions where user_id = $1', [userId])).length;
const statusOf = async (member: TestMember) => (await member.get('/auth/two-factor')).body;
const OFF = { enabledAt: null, recoveryCodesLeft: 0 };
const signsInByPassword = async (member: TestMember): Promise<boolean> =>
  (await beginSignIn(api, member)).status === 200;

/** A code that is wrong now and will be for a minute. */
const wrongCode = (key: string): string => {
  const right = [-2, -1, 0, 1, 2, 3].map((step) => codeOfApp(key, clock.read().getTime() + step * 30_000));
  return ['000000', '000001', '000002', '000003', '000004', '000005', '000006'].find(
    (code) => !right.includes(code),
  )!;
};

describe('Two-factor sign-in is on after a first right code', () => {
  it('and a wrong one changes nothing', async () => {
    const member = await signUpConfirmed(api);
    expect(await statusOf(member)).toEqual(OFF);
    const started = await member.post('/auth/two-factor/enrolment', { password: member.password });
    expect(started.status).toBe(200);
    const { key, uri } = started.body as Record<string, string>;
    expect(new URL(uri!).searchParams.get('secret')).toBe(key);

    const wrong = await member.post('/auth/two-factor/enrolment/confirm', { code: wrongCode(key!) });
    expect(shape(wrong)).toEqual([400, 'invalid_code']);
    expect(await statusOf(member)).toEqual(OFF);
    expect(await signsInByPassword(member)).toBe(true);

    const typed = codeOfApp(key!, clock.read().getTime()).replace(/^.{3}/, '$& ');
    const right = await member.post('/auth/two-factor/enrolment/confirm', { code: typed });
    expect(right.status).toBe(200);
    expect(new Set(right.body.recoveryCodes as string[]).size).toBe(10);
    expect(await statusOf(member)).toEqual({
      enabledAt: clock.read().toISOString(),
      recoveryCodesLeft: 10,
    });
    expect((await beginSignIn(api, member)).status).toBe(202);
    clock.next();
  });

  it('of the newest key alone', async () => {
    const member = await signUpConfirmed(api);
    const start = async () =>
      (await member.post('/auth/two-factor/enrolment', { password: member.password })).body.key as string;
    const [old, key] = [await start(), await start()];
    const confirm = (of: string) =>
      member.post('/auth/two-factor/enrolment/confirm', { code: codeOfApp(of, clock.read().getTime()) });
    expect(shape(await confirm(old))).toEqual([400, 'invalid_code']);
    expect((await confirm(key)).status).toBe(200);
    clock.next();
  });

  it('of the newest key alone, also if that is made while the code is checked', async () => {
    const member = await signUpConfirmed(api);
    const start = async () =>
      (await member.post('/auth/two-factor/enrolment', { password: member.password })).body.key as string;
    const confirm = (of: string) =>
      member.post('/auth/two-factor/enrolment/confirm', { code: codeOfApp(of, clock.read().getTime()) });
    const old = await start();
    const holder = new pg.Client({ connectionString: adminUrl(api.database) });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from users where id = $1 for update', [member.userId]);
    const late = confirm(old);
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await until('the code is checked', async () => (await holder.query(waiting)).rowCount === 1);
    const key = await start();
    await holder.end();
    expect((await late).status).not.toBe(200);
    expect(await statusOf(member)).toEqual(OFF);
    expect((await insist(() => confirm(key))).status).toBe(200);
    clock.next();
  });

  it('once, of ten that are sent at once', async () => {
    const member = await signUpConfirmed(api);
    const { body } = await member.post('/auth/two-factor/enrolment', { password: member.password });
    const code = codeOfApp(body.key as string, clock.read().getTime());
    await warmUp(member);
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        post(i % 2 ? api : second, '/auth/two-factor/enrolment/confirm', { code }, { cookie: member.cookie }),
      ),
    );
    expectOneWinner(replies, ['invalid_code', 'two_factor_on']);
    clock.next();
  });

  it('and not without a key, nor when it is on', async () => {
    const member = await signUpConfirmed(api);
    const early = await member.post('/auth/two-factor/enrolment/confirm', { code: '123456' });
    expect(shape(early)).toEqual([409, 'two_factor_off']);
    const guarded = await signUpGuarded(api, clock);
    const again = await guarded.post('/auth/two-factor/enrolment', { password: guarded.password });
    expect(shape(again)).toEqual([409, 'two_factor_on']);
    const twice = await guarded.post('/auth/two-factor/enrolment/confirm', { code: guarded.code() });
    expect(shape(twice)).toEqual([409, 'two_factor_on']);
  });
});

it('A key is given only for the password', async () => {
  const member = await signUpConfirmed(api);
  const ask = (password: string) => member.post('/auth/two-factor/enrolment', { password });
  for (let i = 0; i < 10; i++) {
    expect(shape(await ask('not the password'))).toEqual([403, 'wrong_password']);
  }
  expect(await api.sql('select 1 from two_factors where user_id = $1', [member.userId])).toEqual([]);
  // The browser is not known, but the address of the sign-up is: ten more, as at the sign-in.
  for (let i = 0; i < 10; i++) await ask('not the password');
  expect(shape(await ask(member.password))).toEqual([429, 'rate_limited']);
});

it('Turning it on ends the other sessions', async () => {
  const member = await signUpConfirmed(api);
  const others = [1, 2].map(async () => cookiesOf(await beginSignIn(api, member)));
  const cookies = await Promise.all(others);
  const { body } = await member.post('/auth/two-factor/enrolment', { password: member.password });
  const code = codeOfApp(body.key as string, clock.read().getTime());
  expect((await member.post('/auth/two-factor/enrolment/confirm', { code })).status).toBe(200);
  clock.next();
  expect((await member.get('/auth/session')).status).toBe(200);
  for (const cookie of cookies) {
    for (const process of [api, second]) {
      expect((await call(process, '/auth/session', { headers: { cookie } })).status).toBe(401);
    }
  }
});

it('Turning it on ends an open change of the address', async () => {
  const member = await signUpConfirmed(api);
  const { password } = member;
  const email = `new-${member.email}`;
  expect((await member.post('/auth/email/change', { email, password })).status).toBe(204);
  const token = await mailbox.token(email, '/change-email');
  const { body } = await member.post('/auth/two-factor/enrolment', { password });
  const code = codeOfApp(body.key as string, clock.read().getTime());
  expect((await member.post('/auth/two-factor/enrolment/confirm', { code })).status).toBe(200);
  clock.next();
  expect(shape(await post(api, '/auth/email/change/confirm', { token }))).toEqual([400, 'invalid_link']);
  expect((await beginSignIn(api, member)).status).toBe(202);
});

it('A sign-in by the password alone that is under way ends when it is turned on', async () => {
  const member = await signUpConfirmed(api);
  const { body } = await member.post('/auth/two-factor/enrolment', { password: member.password });
  const code = codeOfApp(body.key as string, clock.read().getTime());
  const signedIn = await beforeSessionIsStored(api, member.userId, {
    start: () => beginSignIn(second, member),
    meanwhile: async () => {
      expect((await member.post('/auth/two-factor/enrolment/confirm', { code })).status).toBe(200);
    },
  });
  clock.next();
  expect([signedIn.status, signedIn.body.code, cookiesOf(signedIn)]).toEqual([
    401,
    'invalid_credentials',
    '',
  ]);
  expect(await sessionsOf(member)).toBe(1);
  expect((await member.get('/auth/session')).status).toBe(200);
  expect((await beginSignIn(api, member)).status).toBe(202);
});

describe('No session before the code', () => {
  it('and a new one after it', async () => {
    const person = await signUpGuarded(api, clock);
    const before = await sessionsOf(person);
    const begun = await beginSignIn(api, person);
    expect([begun.status, begun.body]).toEqual([
      202,
      { expiresAt: new Date(clock.read().getTime() + 600_000).toISOString() },
    ]);
    expect(begun.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^sentryagent-challenge=[\w-]{32}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
      ),
    ]);
    expect(await sessionsOf(person)).toBe(before);
    const cookie = cookiesOf(begun);
    const value = cookie.slice('sentryagent-challenge='.length);
    for (const forged of [cookie, `sentryagent=${value}`, `sentryagent=${value}.${value}`]) {
      for (const path of ['/auth/session', '/agents', '/auth/sessions', '/auth/two-factor']) {
        expect((await call(api, path, { headers: { cookie: forged } })).status).toBe(401);
      }
    }

    // A session that the caller has chosen, or is signed in with, is not taken up.
    const chosen = `sentryagent=chosen.chosen; ${cookie}`;
    const done = await verify(second, chosen, { code: person.code() });
    expect([done.status, (done.body.user as { id: string }).id]).toEqual([200, person.userId]);
    const lines = done.headers.getSetCookie();
    expect(lines.map((line) => line.split('=')[0])).toEqual([
      'sentryagent',
      'sentryagent-challenge',
      'sentryagent-device',
    ]);
    expect(lines[1]).toBe('sentryagent-challenge=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax');
    const session = lines[0]!.split(';')[0]!;
    expect(session).not.toContain('chosen');
    expect(person.cookie).not.toContain(session);
    expect((await call(api, '/auth/session', { headers: { cookie: session } })).status).toBe(200);
    expect(await sessionsOf(person)).toBe(before + 1);
    clock.next();
  });

  it('also for somebody who is signed in as another person', async () => {
    const [other, person] = [await signUp(api), await signUpGuarded(api, clock)];
    const cookie = `${other.cookie}; ${await person.begin()}`;
    const done = await verify(api, cookie, { code: person.code() });
    expect((done.body.user as { id: string }).id).toBe(person.userId);
    const refused = await verify(api, other.cookie, { code: person.code() });
    expect(shape(refused)).toEqual([400, 'sign_in_expired']);
    clock.next();
  });

  it('and with the flags of https', async () => {
    const origin = 'https://dashboard.test';
    const secure = await startApi({
      clock: clock.read,
      database: api.database,
      env: { DASHBOARD_URL: origin },
    });
    const { email, password, code } = await signUpGuarded(api, clock);
    const begun = await post(secure, '/auth/sign-in', { email, password }, { origin });
    const [line] = begun.headers.getSetCookie();
    expect(line).toMatch(
      /^__Host-sentryagent-challenge=[\w-]{32}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const send = (cookie: string) =>
      post(secure, '/auth/two-factor/verify', { code: code() }, { origin, cookie });
    expect(shape(await send(cookiesOf(begun).replace('__Host-', '')))).toEqual([400, 'sign_in_expired']);
    expect((await send(cookiesOf(begun))).status).toBe(200);
    await secure.close();
    clock.next();
  });
});

/** So many sign-ins of one person that wait for a code, at two processes in turn. */
const beginMany = async (person: Guarded, count: number): Promise<[TestApi, string][]> => {
  const begun: [TestApi, string][] = [];
  for (let i = 0; i < count; i++) begun.push([i % 2 ? api : second, await person.begin()]);
  return begun;
};

describe('A code works once', () => {
  it('of ten at once at two processes', async () => {
    const person = await signUpGuarded(api, clock);
    // One of the ten was used to turn it on.
    await api.deps.redis!.del(`door:code:${person.userId}`);
    const begun = await beginMany(person, 10);
    const code = person.code();
    await warmUp(person);
    const replies = await Promise.all(begun.map(([process, cookie]) => verify(process, cookie, { code })));
    expectOneWinner(replies, ['invalid_code']);
    expect(await sessionsOf(person)).toBe(2);
    clock.next();
  });

  it('in each of ten rounds of a race, where the limit is out of the way', async () => {
    const person = await signUpGuarded(api, clock);
    for (let round = 1; round <= 10; round++) {
      const [[one, a], [two, b]] = (await beginMany(person, 2)) as [[TestApi, string], [TestApi, string]];
      await api.deps.redis!.del(`door:code:${person.userId}`);
      const code = person.code();
      const replies = await Promise.all([verify(one, a, { code }), verify(two, b, { code })]);
      expect(statuses(replies)).toEqual([200, 400]);
      expect(await sessionsOf(person)).toBe(1 + round);
      clock.next();
    }
  });

  it('and one of an earlier step does not after it', async () => {
    const person = await signUpGuarded(api, clock);
    const [older, newer] = [person.code(0), person.code(1)];
    expect((await verify(api, await person.begin(), { code: newer })).status).toBe(200);
    for (const code of [older, newer]) {
      expect(shape(await verify(second, await person.begin(), { code }))).toEqual([400, 'invalid_code']);
    }
    clock.pass(60);
  });

  it('and so does the first one, which turned it on', async () => {
    const person = await signUpGuarded(api, clock);
    const used = person.code(-1);
    expect(shape(await verify(api, await person.begin(), { code: used }))).toEqual([400, 'invalid_code']);
  });
});

it('A recovery code works once', async () => {
  const person = await signUpGuarded(api, clock);
  const begun = await beginMany(person, 20);
  const [recoveryCode] = person.recoveryCodes;
  const typed = recoveryCode!.toUpperCase().replaceAll('-', ' ');
  await warmUp(person);
  const replies = await Promise.all(
    begun.map(([process, cookie], i) =>
      verify(process, cookie, { recoveryCode: i % 3 ? recoveryCode : typed }),
    ),
  );
  expectOneWinner(replies, ['invalid_code']);
  expect(await sessionsOf(person)).toBe(2);
  expect(await statusOf(person)).toMatchObject({ recoveryCodesLeft: 9 });
});

it('A sign-in is finished once', async () => {
  const person = await signUpGuarded(api, clock);
  for (const recoveryCode of person.recoveryCodes.slice(0, 5)) {
    const before = await sessionsOf(person);
    const cookie = await person.begin();
    const replies = await Promise.all([
      verify(api, cookie, { code: person.code() }),
      verify(second, cookie, { recoveryCode }),
    ]);
    expect(statuses(replies)).toEqual([200, 400]);
    expect(await sessionsOf(person)).toBe(before + 1);
    clock.next();
  }
});

it('Wrong codes are answered alike', async () => {
  const [person, other] = [await signUpGuarded(api, clock), await signUpGuarded(api, clock)];
  const [usedCode, [usedRecovery]] = [person.code(), person.recoveryCodes];
  expect((await verify(api, await person.begin(), { code: usedCode })).status).toBe(200);
  expect((await verify(api, await person.begin(), { recoveryCode: usedRecovery })).status).toBe(200);
  const proofs = [
    { code: wrongCode(person.key) },
    { code: usedCode },
    { code: person.code(-5) },
    { code: other.code() },
    { code: 'abc' },
    { recoveryCode: 'aaaa-bbbb-cccc-dddd' },
    { recoveryCode: usedRecovery },
    { recoveryCode: other.recoveryCodes[0] },
    { recoveryCode: person.code() },
  ];
  const texts = new Set<string>();
  for (const proof of proofs) {
    const { status, body, text, headers } = await verify(api, await person.begin(), proof);
    expect([status, body.code, headers.getSetCookie()]).toEqual([400, 'invalid_code', []]);
    texts.add(text.replace(String(body.requestId), 'the request id'));
  }
  expect(texts.size).toBe(1);
  clock.next();
});

describe('A sign-in has five attempts and ten minutes', () => {
  it('five attempts, over all processes', async () => {
    const person = await signUpGuarded(api, clock);
    const cookie = await person.begin();
    const wrong = { code: wrongCode(person.key) };
    for (const process of [api, second, api, second, api]) {
      expect(shape(await verify(process, cookie, wrong))).toEqual([400, 'invalid_code']);
    }
    for (const process of [api, second]) {
      const right = await verify(process, cookie, { code: person.code() });
      expect(shape(right)).toEqual([400, 'sign_in_expired']);
    }
    expect((await verify(api, await person.begin(), { code: person.code() })).status).toBe(200);
    clock.next();
  });

  it('not more of them at once', async () => {
    const person = await signUpGuarded(api, clock);
    const cookie = await person.begin();
    const guesses = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        verify(i % 2 ? api : second, cookie, { recoveryCode: `aaaa-bbbb-cccc-ddd${i}` }),
      ),
    );
    const codes = guesses.map(({ body }) => body.code);
    expect(codes.filter((code) => code === 'invalid_code')).toHaveLength(5);
    expect(codes.filter((code) => code === 'sign_in_expired')).toHaveLength(15);
  });

  it.each([
    [599, 200],
    [600, 400],
  ])('after %i seconds a right code is answered %i', async (seconds, status) => {
    const person = await signUpGuarded(api, clock);
    const cookie = await person.begin();
    clock.pass(seconds);
    expect((await verify(api, cookie, { code: person.code() })).status).toBe(status);
    clock.next();
  });

  it('and leaves no row behind once the person signs in again', async () => {
    const person = await signUpGuarded(api, clock);
    for (let i = 0; i < 3; i++) await person.begin();
    clock.pass(600);
    await person.begin();
    const rows = await api.sql('select 1 from sign_in_challenges where user_id = $1', [person.userId]);
    expect(rows).toHaveLength(1);
  });

  it.each([
    ['no cookie', ''],
    ['an empty one', 'sentryagent-challenge='],
    ['a made up one', `sentryagent-challenge=${'x'.repeat(32)}`],
    ['a long one', `sentryagent-challenge=${'x'.repeat(4_000)}`],
  ])('%s is no sign-in', async (_what, cookie) => {
    expect(shape(await verify(api, cookie, { code: '123456' }))).toEqual([400, 'sign_in_expired']);
  });
});

describe('Codes are guessed within limits', () => {
  it('ten in 15 minutes, and a recovery code still works', async () => {
    const person = await signUpGuarded(api, clock);
    await api.deps.redis!.del(`door:code:${person.userId}`);
    const wrong = { code: wrongCode(person.key) };
    const begun = await beginMany(person, 14);
    const guesses: unknown[] = [];
    for (const [process, cookie] of begun) guesses.push((await verify(process, cookie, wrong)).body.code);
    expect(guesses).toEqual([
      ...Array<string>(10).fill('invalid_code'),
      ...Array<string>(4).fill('rate_limited'),
    ]);
    const cookie = await person.begin();
    const refused = await verify(api, cookie, { code: person.code() });
    expect(shape(refused)).toEqual([429, 'rate_limited']);
    expect(refused.body.detail).toMatch(/^Too many codes for this account\. You can use a recovery code/);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(900);
    const recoveryCode = person.recoveryCodes[0]!;
    expect((await verify(second, cookie, { recoveryCode })).status).toBe(200);
    clock.next();
  });

  it('30 a day', async () => {
    const person = await signUpGuarded(api, clock);
    const wrong = { code: wrongCode(person.key) };
    // One was used to turn it on.
    for (let i = 0; i < 29; i++) {
      await api.deps.redis!.del(`door:code:${person.userId}`);
      expect((await verify(api, await person.begin(), wrong)).status).toBe(400);
    }
    await api.deps.redis!.del(`door:code:${person.userId}`);
    const refused = await verify(api, await person.begin(), wrong);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(80_000);
  });

  it('and those of a signed-in person as well', async () => {
    const person = await signUpGuarded(api, clock);
    const { password } = person;
    await api.deps.redis!.del(`door:code:${person.userId}`);
    const guess = () => person.post('/auth/two-factor/turn-off', { password, code: wrongCode(person.key) });
    for (let i = 0; i < 10; i++) expect((await guess()).status).toBe(400);
    expect(shape(await guess())).toEqual([429, 'rate_limited']);
  });

  it('by who has the password alone, whose address is no known one yet', async () => {
    const person = await signUpGuarded(api, clock);
    const known = async (): Promise<number> => {
      const keys = await api.deps.redis!.keys('door:known*');
      const counts = await Promise.all(keys.map((key) => api.deps.redis!.zcard(key).catch(() => 0)));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const before = await known();
    const cookie = await person.begin();
    expect(await known()).toBe(before);
    expect((await verify(api, cookie, { code: person.code() })).status).toBe(200);
    expect(await known()).toBe(before + 1);
    clock.next();
  });
});

describe('Two-factor sign-in is off only with the password and a code', () => {
  const turnOff = (person: Guarded, body: object) => person.post('/auth/two-factor/turn-off', body);

  it('of the app', async () => {
    const person = await signUpGuarded(api, clock);
    const { password } = person;
    const refused: [object, unknown[]][] = [
      [{ password: 'not the password', code: person.code() }, [403, 'wrong_password']],
      [{ password, code: wrongCode(person.key) }, [400, 'invalid_code']],
      [{ password, code: person.code(-1) }, [400, 'invalid_code']],
      [{ password, recoveryCode: 'aaaa-bbbb-cccc-dddd' }, [400, 'invalid_code']],
      [{ password }, [400, 'validation_failed']],
      [{ code: person.code() }, [400, 'validation_failed']],
      [{ password, code: '1', recoveryCode: '1' }, [400, 'validation_failed']],
    ];
    for (const [body, answer] of refused) expect(shape(await turnOff(person, body))).toEqual(answer);
    const waiting = await person.begin();
    expect((await turnOff(person, { password, code: person.code() })).status).toBe(204);
    clock.next();
    expect(await statusOf(person)).toEqual(OFF);
    expect(await signsInByPassword(person)).toBe(true);
    expect(shape(await verify(api, waiting, { code: person.code() }))).toEqual([400, 'sign_in_expired']);
    expect(shape(await turnOff(person, { password, code: person.code() }))).toEqual([400, 'invalid_code']);
  });

  it('or with a recovery code, and then with another app', async () => {
    const person = await signUpGuarded(api, clock);
    const { password, recoveryCodes } = person;
    expect((await turnOff(person, { password, recoveryCode: recoveryCodes[0] })).status).toBe(204);
    const { body } = await person.post('/auth/two-factor/enrolment', { password });
    const code = codeOfApp(body.key as string, clock.read().getTime());
    expect((await person.post('/auth/two-factor/enrolment/confirm', { code })).status).toBe(200);
    clock.next();
    for (const proof of [{ code: person.code() }, { recoveryCode: recoveryCodes[1] }]) {
      expect((await verify(api, await person.begin(), proof)).status).toBe(400);
    }
  });
});

it('New recovery codes end the old ones', async () => {
  const person = await signUpGuarded(api, clock);
  const { password, recoveryCodes: old } = person;
  const renew = (body: object) => person.post('/auth/two-factor/recovery-codes', body);
  expect(shape(await renew({ password, code: wrongCode(person.key) }))).toEqual([400, 'invalid_code']);
  expect(shape(await renew({ password: 'wrong', code: person.code() }))).toEqual([403, 'wrong_password']);
  const replies = [
    await renew({ password, code: person.code() }),
    ...(await Promise.all(old.slice(0, 3).map((recoveryCode) => renew({ password, recoveryCode })))),
  ];
  clock.next();
  expect(statuses(replies)).toEqual([200, 400, 400, 400]);
  expect(await statusOf(person)).toMatchObject({ recoveryCodesLeft: 10 });
  for (const recoveryCode of old.slice(0, 3)) {
    expect((await verify(api, await person.begin(), { recoveryCode })).status).toBe(400);
  }
  const [, recoveryCode] = replies[0]!.body.recoveryCodes as string[];
  expect((await verify(second, await person.begin(), { recoveryCode })).status).toBe(200);

  const member = await signUpConfirmed(api);
  const off = await member.post('/auth/two-factor/recovery-codes', {
    password: member.password,
    code: '123456',
  });
  expect(shape(off)).toEqual([400, 'invalid_code']);
});

it('A code that is being checked starts no session after a new password', async () => {
  const [person, other] = [await signUpGuarded(api, clock), await signUp(api)];
  const waiting = await person.begin();
  const finished = await beforeSessionIsStored(api, person.userId, {
    start: () => verify(second, waiting, { code: person.code() }),
    meanwhile: () =>
      api.sql(
        `update accounts set password = (select password from accounts where user_id = $2) where user_id = $1`,
        [person.userId, other.userId],
      ),
  });
  clock.next();
  expect([...shape(finished), cookiesOf(finished)]).toEqual([400, 'sign_in_expired', '']);
  expect(await sessionsOf(person)).toBe(0);
});

it('A new password replaces no second factor', async () => {
  const person = await signUpGuarded(api, clock);
  const waiting = await person.begin();
  const other = await signUp(api);
  await api.sql(
    `update accounts set password = (select password from accounts where user_id = $2) where user_id = $1`,
    [person.userId, other.userId],
  );
  expect(shape(await verify(api, waiting, { code: person.code() }))).toEqual([400, 'sign_in_expired']);
  const begun = await beginSignIn(api, { email: person.email, password: other.password });
  expect([begun.status, (await verify(api, cookiesOf(begun), { code: person.code() })).status]).toEqual([
    202, 200,
  ]);
  clock.next();
});
