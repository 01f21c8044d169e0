import { createHash, randomBytes } from 'node:crypto';
import { Problem } from '../../platform/problem.ts';
import type { TwoFactorDeps } from './two-factor-deps.ts';

/** The dashboard's texts name it too. */
export const CHALLENGE_SECONDS = 10 * 60;

type ChallengeDeps = Pick<TwoFactorDeps, 'peoplePool' | 'clock'>;

/** A sign-in that waits for its second factor. */
export interface Challenge {
  /** Only the browser that sent the password has it. The database has its hash. */
  token: string;
  expiresAt: Date;
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

export const signInExpired = (): Problem =>
  new Problem('sign_in_expired', 'This sign-in has expired. Sign in again with your password.');

/** Inserts nothing if the user has no second factor. Also deletes the user's expired challenges. */
const START = `
  with expired as (delete from sign_in_challenges where user_id = $1 and expires_at <= $2)
  insert into sign_in_challenges (token_hash, user_id, expires_at)
  select $3, user_id, $4 from two_factors where user_id = $1 and confirmed_at is not null
  returning user_id`;

/** What a right password starts. `undefined`: the user has no second factor. */
export const startChallenge = async (
  { peoplePool, clock }: ChallengeDeps,
  userId: string,
): Promise<Challenge | undefined> => {
  const now = clock();
  const token = randomBytes(24).toString('base64url');
  const expiresAt = new Date(now.getTime() + CHALLENGE_SECONDS * 1_000);
  const { rows } = await peoplePool.query(START, [userId, now, hashOf(token), expiresAt]);
  return rows.length === 1 ? { token, expiresAt } : undefined;
};

/** Counts an attempt, before the code is checked. Returns the user. Problem: `sign_in_expired`, also after five. */
export const attemptChallenge = async (
  { peoplePool, clock }: ChallengeDeps,
  token: string,
): Promise<string> => {
  const { rows } = await peoplePool.query<{ userId: string }>(
    `update sign_in_challenges set attempts = attempts + 1
     where token_hash = $1 and expires_at > $2 and attempts < 5 returning user_id as "userId"`,
    [hashOf(token), clock()],
  );
  if (!rows[0]) throw signInExpired();
  return rows[0].userId;
};

/** Returns whether it was this call that ended the challenge. */
export const endChallenge = async (
  { peoplePool }: Pick<TwoFactorDeps, 'peoplePool'>,
  token: string,
): Promise<boolean> => {
  const { rowCount } = await peoplePool.query('delete from sign_in_challenges where token_hash = $1', [
    hashOf(token),
  ]);
  return rowCount === 1;
};
