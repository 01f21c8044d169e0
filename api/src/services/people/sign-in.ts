import { Problem } from '../../platform/problem.ts';
import { endChallenge, startChallenge, type Challenge } from '../two-factor/sign-in-challenge.ts';
import type { TwoFactorDeps } from '../two-factor/two-factor-deps.ts';
import { startProvedSession, type AccountDeps, type SignedIn } from './account.ts';
import { isCurrent, provePassword } from './prove-password.ts';

const wrong = (): Problem =>
  new Problem('invalid_credentials', 'The email address or the password is wrong. Check both and try again.');

/**
 * Starts a session, or only a challenge if the user has a second factor. Problem: `invalid_credentials`, the same for an
 * unknown address and a wrong password.
 */
export const signIn = async (
  deps: AccountDeps & Pick<TwoFactorDeps, 'clock'>,
  { email, password }: { email: string; password: string },
  headers: Headers,
): Promise<SignedIn | Challenge> => {
  const account = await provePassword(deps.peoplePool, email, password);
  if (!account) throw wrong();
  const challenge = await startChallenge(deps, account.user.id);
  const confirm = async () => {
    if (!(await isCurrent(deps.peoplePool, account))) throw wrong();
  };
  if (!challenge) return startProvedSession(deps, account.user, { headers, confirm });
  if (await isCurrent(deps.peoplePool, account)) return challenge;
  await endChallenge(deps, challenge.token);
  throw wrong();
};
