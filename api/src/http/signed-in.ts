import { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { SignedIn } from '../services/people/account.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { rememberBrowser } from './known-browser.ts';
import type { Answer, Request } from './route.ts';

export const personSchema = z
  .object({ id: z.string(), email: z.string(), name: z.string() })
  .meta({ id: 'Person' });

export const signedInResponse = {
  description: 'Signed in; the session is in Set-Cookie',
  schema: z.object({ user: personSchema }).meta({ id: 'SignedIn' }),
};

/** Also makes this browser known to the account. */
export const answerSignedIn = async (
  deps: Pick<Deps, 'config'>,
  limits: AttemptLimits,
  request: Request,
  { user, cookies }: SignedIn,
): Promise<Answer> => ({
  status: 200,
  body: { user },
  headers: { 'Set-Cookie': [...cookies, await rememberBrowser(deps, limits, user.email, request)] },
});

/** A mailed link has proved the address of an account, which makes this browser known to it. */
export const answerProved = async (
  deps: Pick<Deps, 'config'>,
  limits: AttemptLimits,
  request: Request,
  account: string,
): Promise<Answer> => ({
  status: 200,
  body: { email: account },
  headers: { 'Set-Cookie': await rememberBrowser(deps, limits, account, request) },
});
