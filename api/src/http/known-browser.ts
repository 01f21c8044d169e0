import type { Deps } from '../deps.ts';
import { addressKey } from '../platform/address.ts';
import type { Attempt } from './account-attempts.ts';
import { createDeviceCookies } from './device-cookie.ts';
import type { Request } from './route.ts';

/** An attempt to enter the password of this account. */
export const attemptOf = (
  { config }: Pick<Deps, 'config'>,
  account: string,
  { origin, headers }: Pick<Request, 'origin' | 'headers'>,
): Attempt => ({
  account,
  address: addressKey(origin.ip),
  device: createDeviceCookies(config).read(account, headers.cookie),
});

/** The `Set-Cookie` line that makes this browser known to the account. */
export const deviceCookie = (
  { config }: Pick<Deps, 'config'>,
  account: string,
  { headers }: Pick<Request, 'headers'>,
): string => createDeviceCookies(config).issue(account, headers.cookie);
