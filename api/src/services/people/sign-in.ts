import { Problem } from '../../platform/problem.ts';
import { startChallenge } from '../two-factor/sign-in-challenge.ts';
import type { Challenge } from '../two-factor/sign-in-challenge.ts';
import type { TwoFactorDeps } from '../two-factor/two-factor-deps.ts';
import { startSession } from './account.ts';
import type { AccountDeps, Person, SignedIn } from './account.ts';
import { provePassword } from './prove-password.ts';

/**
 * What a right password starts: a session, or only a challenge if the user has a second factor. Every other way to prove
 * a password ends here too.
 */
export const startSignIn = async (
  deps: AccountDeps & Pick<TwoFactorDeps, 'clock'>,
  user: Person,
  headers: Headers,
): Promise<SignedIn | Challenge> =>
  (await startChallenge(deps, user.id)) ?? startSession(deps.people, user, headers);

/** Problem: `invalid_credentials`, the same for an unknown address and a wrong password. */
export const signIn = async (
  deps: AccountDeps & Pick<TwoFactorDeps, 'clock'>,
  { email, password }: { email: string; password: string },
  headers: Headers,
): Promise<SignedIn | Challenge> => {
  const account = await provePassword(deps.peoplePool, email, password);
  if (!account) {
    throw new Problem(
      'invalid_credentials',
      'The email address or the password is wrong. Check both and try again.',
    );
  }
  return startSignIn(deps, account.user, headers);
};

/** A signed-in user proves the password again. Problem: `invalid_credentials`. */
export const requirePassword = async (
  { peoplePool }: Pick<AccountDeps, 'peoplePool'>,
  { email }: Pick<Person, 'email'>,
  password: string,
): Promise<void> => {
  if (await provePassword(peoplePool, email, password)) return;
  throw new Problem('invalid_credentials', 'The password is wrong. Enter the one that you sign in with.');
};
