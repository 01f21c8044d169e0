import type { Deps } from '../deps.ts';
import { Problem } from '../platform/problem.ts';
import type { Person } from '../services/people/account.ts';
import { provePassword } from '../services/people/prove-password.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { attemptOf, countSignIn } from './known-browser.ts';
import type { Request } from './route.ts';

/**
 * A signed-in user proves the password again. Limited like a sign-in, because a session that somebody left open is no
 * password. Problem: `wrong_password`.
 */
export const requirePassword = async (
  deps: Deps,
  limits: AttemptLimits,
  request: Request,
  { user, password }: { user: Person; password: string },
): Promise<void> => {
  await countSignIn(limits, request);
  await limits.hashing.knownSignIn.run(() =>
    limits.accounts.run(attemptOf(deps, user.email, request), async () => {
      if (await provePassword(deps.peoplePool, user.email, password)) return;
      throw new Problem('wrong_password', 'The password is wrong. Check it and try again.');
    }),
  );
};
