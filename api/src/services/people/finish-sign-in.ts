import { attemptChallenge, endChallenge, signInExpired } from '../two-factor/sign-in-challenge.ts';
import { useProof, type Proof } from '../two-factor/use-proof.ts';
import type { TwoFactorDeps } from '../two-factor/two-factor-deps.ts';
import { startProvedSession, type AccountDeps, type Person, type SignedIn } from './account.ts';

interface SecondFactor {
  /** Of the browser's cookie. */
  token: string | undefined;
  proof: Proof;
  /** Counts a guess of this user. Throws if there were too many. */
  count(userId: string): Promise<void>;
}

/**
 * Starts the session that a right password and a second factor have earned. Of parallel requests, the one that ends the
 * challenge keeps its session. A new password ends the challenge too. Problems: `invalid_code`, `sign_in_expired`,
 * and that of `count`.
 */
export const finishSignIn = async (
  deps: AccountDeps & TwoFactorDeps,
  { token, proof, count }: SecondFactor,
  headers: Headers,
): Promise<SignedIn> => {
  if (token === undefined) throw signInExpired();
  const userId = await attemptChallenge(deps, token);
  await count(userId);
  await useProof(deps, userId, proof);
  const { rows } = await deps.peoplePool.query<Person>('select id, email, name from users where id = $1', [
    userId,
  ]);
  // The account was deleted in the meantime.
  if (!rows[0]) throw signInExpired();
  const confirm = async () => {
    if (!(await endChallenge(deps, token))) throw signInExpired();
  };
  return startProvedSession(deps, rows[0], { headers, confirm });
};
