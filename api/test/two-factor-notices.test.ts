import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';
import { DASHBOARD_URL, startApi, testEnvironment } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import type { TestMember } from './support/callers.ts';
import { openMailbox } from './support/mailbox.ts';
import { beginSignIn, createTestClock, signUpGuarded, verify } from './support/two-factor.ts';

const clock = createTestClock();
let api: TestApi;
beforeAll(async () => {
  api = await startApi({ clock: clock.read });
});
afterAll(() => api.close());

const mailbox = openMailbox(() => api);
const SIGN_UP = 'Confirm your email address for SentryAgent';
const ON = 'Two-factor sign-in for SentryAgent was turned on';
const OFF = 'Two-factor sign-in for SentryAgent was turned off';
const RENEWED = 'Your SentryAgent recovery codes were replaced';
const subjects = async ({ email }: TestMember) => (await mailbox.read(email)).map(({ subject }) => subject);
const isOn = async ({ userId }: TestMember) =>
  (await api.sql('select from two_factors where user_id = $1 and confirmed_at is not null', [userId]))
    .length === 1;

it('A change of the second factor is reported by mail', async () => {
  const person = await signUpGuarded(api, clock);
  const { password, recoveryCodes } = person;
  expect(await subjects(person)).toEqual([SIGN_UP, ON]);
  const proved = (path: string, recoveryCode?: string) =>
    person.post(`/auth/two-factor/${path}`, { password, recoveryCode });

  expect((await proved('recovery-codes', 'wrong')).status).toBe(400);
  expect(await subjects(person)).toEqual([SIGN_UP, ON]);
  const renewed = await proved('recovery-codes', recoveryCodes[0]);
  expect(await subjects(person)).toEqual([SIGN_UP, ON, RENEWED]);

  expect((await proved('turn-off', recoveryCodes[1])).status).toBe(400);
  expect(await subjects(person)).toEqual([SIGN_UP, ON, RENEWED]);
  expect((await proved('turn-off', (renewed.body.recoveryCodes as string[])[0])).status).toBe(204);
  expect(await subjects(person)).toEqual([SIGN_UP, ON, RENEWED, OFF]);

  const [, on, codes, off] = (await mailbox.read(person.email)).map(({ text }) => text);
  for (const text of [on, codes, off]) {
    expect(text).toContain('If it was not you, someone has your password or one of your sessions.');
    expect(text).toContain(`Reset your password:\n${DASHBOARD_URL}/forgot-password\n`);
  }
  expect(on).toContain('Then ask the administrator of this server to turn two-factor sign-in off');
  expect(codes).toContain('Then get new recovery codes in the settings.');
  expect(off).toContain('Then turn two-factor sign-in on again in the settings.');
});

it('An unconfirmed address gets no mail about a second factor', async () => {
  const person = await signUpGuarded(api, clock);
  await api.sql('update users set email_verified = false where id = $1', [person.userId]);
  const body = { password: person.password, recoveryCode: person.recoveryCodes[0] };
  expect((await person.post('/auth/two-factor/turn-off', body)).status).toBe(204);
  expect(await isOn(person)).toBe(false);
  expect(await subjects(person)).toEqual([SIGN_UP, ON]);
});

describe('npm run two-factor:off', () => {
  const main = fileURLToPath(new URL('../src/two-factor-off/main.ts', import.meta.url));
  const run = (args: string[], given: NodeJS.ProcessEnv = testEnvironment(api.database)) =>
    promisify(execFile)(process.execPath, [main, ...args], { env: { ...bareEnvironment, ...given } }).catch(
      (error: { code: number; stdout: string; stderr: string }) => error,
    );

  it('An operator helps a user who has lost the second factor', async () => {
    const [person, other] = [await signUpGuarded(api, clock), await signUpGuarded(api, clock)];
    const waiting = await person.begin();
    const { stdout } = await run([person.email.toUpperCase()]);
    expect(stdout).toMatch(
      new RegExp(
        `^\\S+Z Two-factor sign-in of ${person.email} \\(${person.userId}\\) is off\\. Sessions ended: 1\\.\n`,
      ),
    );
    expect([await isOn(person), await isOn(other)]).toEqual([false, true]);
    expect((await person.get('/auth/session')).status).toBe(401);
    expect((await other.get('/auth/session')).status).toBe(200);
    expect((await verify(api, waiting, { code: person.code() })).body.code).toBe('sign_in_expired');
    expect((await beginSignIn(api, person)).status).toBe(200);
    expect(await subjects(person)).toEqual([SIGN_UP, ON, OFF]);

    expect(await run([person.email])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `Nothing was changed: no user with the address ${person.email} has two-factor sign-in. Check the address.\n`,
    });
    expect(await subjects(person)).toEqual([SIGN_UP, ON, OFF]);
  });

  it('The command for a lost second factor refuses what is no address', async () => {
    for (const args of [[], ['a@example.com', 'b@example.com'], ['example.com'], ['--all']]) {
      const refused = await run(args);
      expect(refused).toMatchObject({ code: 78, stdout: '' });
      expect(refused.stderr).toContain('Usage: npm run two-factor:off -- <email address>\n');
    }
    const bare = await run(['a@example.com'], {});
    expect(bare).toMatchObject({ code: 78, stdout: '' });
    expect(bare.stderr).toContain('APP_DATABASE_URL');
  });
});
