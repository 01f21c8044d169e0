import type { Deps } from '../deps.ts';
import { addressKey, networkKey } from '../platform/address.ts';
import type { Attempt } from './account-attempts.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { createDeviceCookies } from './device-cookie.ts';
import type { Request } from './route.ts';

type Caller = Pick<Request, 'origin' | 'headers'>;

/** Counts a sign-in, or anything else that proves a password or a code. Problem: `rate_limited`. */
export const countSignIn = async (limits: AttemptLimits, { origin }: Caller): Promise<void> => {
  await limits.signIn.consume(addressKey(origin.ip));
  await limits.signInNetwork.consume(networkKey(origin.ip));
};

/** An attempt to enter the password of this account. */
export const attemptOf = (
  { config }: Pick<Deps, 'config'>,
  account: string,
  { origin, headers }: Caller,
): Attempt => ({
  account,
  address: addressKey(origin.ip),
  device: createDeviceCookies(config).read(account, headers.cookie),
});

/** Makes this browser and its address known to the account. Returns the `Set-Cookie` line. */
export const rememberBrowser = async (
  deps: Pick<Deps, 'config'>,
  limits: AttemptLimits,
  account: string,
  caller: Caller,
): Promise<string> => {
  await limits.accounts.remember(attemptOf(deps, account, caller));
  return createDeviceCookies(deps.config).issue(account, caller.headers.cookie);
};
