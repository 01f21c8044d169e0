import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { addressKey } from '../platform/address.ts';
import type { SignedIn } from '../services/people/account.ts';
import type { Attempt } from './account-attempts.ts';
import { createDeviceCookies } from './device-cookie.ts';
import type { Answer, Request } from './route.ts';

export const personSchema = z
  .object({ id: z.string(), email: z.string(), name: z.string() })
  .meta({ id: 'Person' });

export const signedInResponse = {
  description: 'Signed in; the session is in Set-Cookie',
  schema: z.object({ user: personSchema }).meta({ id: 'SignedIn' }),
};

export const attemptOf = ({ config }: Pick<Deps, 'config'>, account: string, request: Request): Attempt => ({
  account,
  address: addressKey(request.origin.ip),
  device: createDeviceCookies(config).read(account, request.headers.cookie),
});

/** Also sets the device cookie, which makes this browser known to the account. */
export const answerSignedIn = (
  { config }: Pick<Deps, 'config'>,
  request: Request,
  { user, cookies }: SignedIn,
): Answer => ({
  status: 200,
  body: { user },
  headers: {
    'Set-Cookie': [...cookies, createDeviceCookies(config).issue(user.email, request.headers.cookie)],
  },
});
