import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOfApp } from '../../dev/test/support/totp.ts';
import { until } from '../../dev/test/support/until.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { post, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { openMailbox } from './support/mailbox.ts';
import { adminUrl } from './support/servers.ts';
import {
  beginSignIn,
  createTestClock,
  signUpConfirmed,
  signUpGuarded,
  verify,
} from './support/two-factor.ts';

const NEW = 'another horse battery';

const clock = createTestClock();
let api: TestApi;
beforeAll(async () => {
  api = await startApi({ clock: clock.read });
});
afterAll(() => api.close());

const mailbox = openMailbox(() => api);

const start = ({ post: send, password }: TestMember) => send('/auth/two-factor/enrolment', { password });
const confirm = (member: TestMember, key: string) =>
  member.post('/auth/two-factor/enrolment/confirm', { code: codeOfApp(key, clock.read().getTime()) });
const factorsOf = ({ userId }: TestMember) =>
  api.sql('select confirmed_at is not null as "isOn" from two_factors where user_id = $1', [userId]);
const unconfirm = ({ userId }: TestMember) =>
  api.sql('update users set email_verified = false where id = $1', [userId]);

/** What the owner of the address can do without anything else. */
const reset = async ({ email }: TestMember): Promise<void> => {
  expect((await post(api, '/auth/password/forgot', { email })).status).toBe(204);
  const token = await mailbox.token(email, '/reset-password');
  expect((await post(api, '/auth/password/reset', { token, password: NEW })).status).toBe(200);
};

it('An unconfirmed address gets no second factor', async () => {
  const member = await signUp(api);
  const early = [await start(member), await confirm(member, 'A'.repeat(32))];
  expect(early.map(({ status, body }) => [status, body.code])).toEqual([
    [403, 'email_unverified'],
    [403, 'email_unverified'],
  ]);
  expect(early[0]!.body.detail).toMatch(/^Confirm your email address first\./);
  expect(await factorsOf(member)).toEqual([]);

  const token = await mailbox.token(member.email, '/verify-email');
  expect((await post(api, '/auth/verification/confirm', { token })).status).toBe(200);
  const { key } = (await start(member)).body as { key: string };
  // A key of an earlier release, which offered one for every address.
  await unconfirm(member);
  expect((await confirm(member, key)).body.code).toBe('email_unverified');
  expect(await factorsOf(member)).toEqual([{ isOn: false }]);
  await api.sql('update users set email_verified = true where id = $1', [member.userId]);
  expect((await confirm(member, key)).status).toBe(200);
  expect(await factorsOf(member)).toEqual([{ isOn: true }]);
  clock.next();
});

describe('A reset ends the second factor of an unconfirmed address', () => {
  it('with everything that was begun before', async () => {
    const squatter = await signUpGuarded(api, clock);
    await unconfirm(squatter);
    const waiting = await squatter.begin();
    await reset(squatter);
    expect(await factorsOf(squatter)).toEqual([]);
    expect((await verify(api, waiting, { code: squatter.code() })).body.code).toBe('sign_in_expired');
    expect((await squatter.get('/auth/session')).status).toBe(401);
    const signedIn = await beginSignIn(api, { email: squatter.email, password: NEW });
    expect([signedIn.status, (signedIn.body.user as { id: string }).id]).toEqual([200, squatter.userId]);
  });

  it('and not that of a confirmed one', async () => {
    const person = await signUpGuarded(api, clock);
    await reset(person);
    expect(await factorsOf(person)).toEqual([{ isOn: true }]);
    expect((await beginSignIn(api, { email: person.email, password: NEW })).status).toBe(202);
  });
});

it('The mail of a reset says that others may have used the account', async () => {
  const [unconfirmed, confirmed] = [await signUp(api), await signUpConfirmed(api)];
  for (const member of [unconfirmed, confirmed]) await reset(member);
  const textOf = async ({ email }: TestMember) => (await mailbox.read(email)).at(-1)!.text;
  expect(await textOf(unconfirmed)).toMatch(
    /the agents that they registered still work\. Sign in and decommission/,
  );
  expect(await textOf(confirmed)).toContain('was changed');
  expect(await textOf(confirmed)).not.toContain('agents');
});

it('A session that has ended turns on no second factor', async () => {
  const member = await signUpConfirmed(api);
  const { key } = (await start(member)).body as { key: string };
  const other = new pg.Client({ connectionString: adminUrl(api.database) });
  await other.connect();
  try {
    await other.query('begin');
    await other.query('delete from sessions where user_id = $1', [member.userId]);
    const confirmed = confirm(member, key);
    await until('the confirmation waits', async () => {
      const { rowCount } = await other.query(
        `select from pg_locks where not granted and transactionid is not null
         and pg_backend_pid() = any (pg_blocking_pids(pid))`,
      );
      return rowCount === 1;
    });
    await other.query('commit');
    expect((await confirmed).body.code).toBe('invalid_code');
  } finally {
    await other.end();
  }
  expect(await factorsOf(member)).toEqual([{ isOn: false }]);
  clock.next();
});
