import type { Pool } from 'pg';
import { Problem } from '../../platform/problem.ts';
import { endChallenge, startChallenge, type Challenge } from '../two-factor/sign-in-challenge.ts';
import type { TwoFactorDeps } from '../two-factor/two-factor-deps.ts';
import { startSession, type AccountDeps, type SignedIn } from './account.ts';
import { provePassword, type Account } from './prove-password.ts';

const wrong = (): Problem =>
  new Problem('invalid_credentials', 'The email address or the password is wrong. Check both and try again.');

/** Waits for a change of the password that is being committed. */
const isCurrent = async (pool: Pool, { user, hash }: Account): Promise<boolean> => {
  const { rowCount } = await pool.query(
    `select from accounts where user_id = $1 and account_id = $1 and provider_id = 'credential' and password = $2
     for share`,
    [user.id, hash],
  );
  return rowCount === 1;
};

/**
 * Starts a session, or only a challenge if the user has a second factor. Problem: `invalid_credentials`, the same for an
 * unknown address and a wrong password. Checks the password once more after the start: a new password ends all sessions
 * and challenges, and this one may have started just after that.
 */
export const signIn = async (
  deps: AccountDeps & Pick<TwoFactorDeps, 'clock'>,
  { email, password }: { email: string; password: string },
  headers: Headers,
): Promise<SignedIn | Challenge> => {
  const { people, peoplePool } = deps;
  const account = await provePassword(peoplePool, email, password);
  if (!account) throw wrong();
  const challenge = await startChallenge(deps, account.user.id);
  if (challenge) {
    if (await isCurrent(peoplePool, account)) return challenge;
    await endChallenge(deps, challenge.token);
    throw wrong();
  }
  const { token, user, cookies } = await startSession(people, account.user, headers);
  if (await isCurrent(peoplePool, account)) return { user, cookies };
  await peoplePool.query('delete from sessions where token = $1', [token]);
  throw wrong();
};
