import { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { SignedIn } from '../services/people/account.ts';
import { deviceCookie } from './known-browser.ts';
import type { Answer, Request } from './route.ts';

export const personSchema = z
  .object({ id: z.string(), email: z.string(), name: z.string() })
  .meta({ id: 'Person' });

export const signedInResponse = {
  description: 'Signed in; the session is in Set-Cookie',
  schema: z.object({ user: personSchema }).meta({ id: 'SignedIn' }),
};

/** Also sets the device cookie, which makes this browser known to the account. */
export const answerSignedIn = (
  deps: Pick<Deps, 'config'>,
  request: Request,
  { user, cookies }: SignedIn,
): Answer => ({
  status: 200,
  body: { user },
  headers: { 'Set-Cookie': [...cookies, deviceCookie(deps, user.email, request)] },
});
