import { cookiesOf } from '../../../dev/src/cookies.ts';
import { codeOfApp } from '../../../dev/test/support/totp.ts';
import type { TestApi } from './api.ts';
import { post, signUp } from './callers.ts';
import type { Reply, TestMember } from './callers.ts';

type Process = Pick<TestApi, 'url'>;

/** A person whose address is confirmed. */
export const signUpConfirmed = async (api: Pick<TestApi, 'url' | 'sql'>): Promise<TestMember> => {
  const member = await signUp(api);
  await api.sql('update users set email_verified = true where id = $1', [member.userId]);
  return member;
};

/** A clock that a test moves, for each process that it is given to. */
export const createTestClock = () => {
  let now = Date.now();
  return {
    read: () => new Date(now),
    /** Moves it to the next step, so that the app shows another code. */
    next: () => void (now += 30_000),
    pass: (seconds: number) => void (now += seconds * 1_000),
  };
};

export type TestClock = ReturnType<typeof createTestClock>;

/** A person whose sign-ins need a code. */
export interface Guarded extends TestMember {
  key: string;
  recoveryCodes: string[];
  /** What the app shows now. */
  code(offset?: number): string;
  /** The first half of a sign-in. Returns the cookie of the browser. */
  begin(process?: Process): Promise<string>;
}

export const beginSignIn = (
  process: Process,
  { email, password }: Pick<TestMember, 'email' | 'password'>,
): Promise<Reply> => post(process, '/auth/sign-in', { email, password });

export const verify = (process: Process, cookie: string, body: object): Promise<Reply> =>
  post(process, '/auth/two-factor/verify', body, { cookie });

/** Signs up and turns two-factor sign-in on. The clock is at an unused step afterwards. */
export const signUpGuarded = async (
  api: Pick<TestApi, 'url' | 'sql'>,
  clock: TestClock,
): Promise<Guarded> => {
  const member = await signUpConfirmed(api);
  const { body } = await member.post('/auth/two-factor/enrolment', { password: member.password });
  const key = body.key as string;
  const code = (offset = 0) => codeOfApp(key, clock.read().getTime() + offset * 30_000);
  const confirmed = await member.post('/auth/two-factor/enrolment/confirm', { code: code() });
  if (confirmed.status !== 200) throw new Error(`two-factor sign-in: ${confirmed.text}`);
  clock.next();
  return {
    ...member,
    key,
    recoveryCodes: confirmed.body.recoveryCodes as string[],
    code,
    begin: async (process = api) => {
      const reply = await beginSignIn(process, member);
      if (reply.status !== 202) throw new Error(`sign-in: ${reply.text}`);
      return cookiesOf(reply);
    },
  };
};
