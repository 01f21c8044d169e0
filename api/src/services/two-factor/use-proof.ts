import { hashRecoveryCode } from './recovery-codes.ts';
import { openSecret } from './sealed-secret.ts';
import { stepOfCode } from './totp.ts';
import { invalidCode, type TwoFactorDeps } from './two-factor-deps.ts';

/** A code of the app or a recovery code. */
export type Proof = { code: string } | { recoveryCode: string };

/** Of parallel requests with one code, the lock of the row lets only the first find an older step. */
const useCode = async (
  { peoplePool, clock, config }: TwoFactorDeps,
  userId: string,
  code: string,
): Promise<boolean> => {
  const { rows } = await peoplePool.query<{ sealed: string }>(
    'select sealed_secret as sealed from two_factors where user_id = $1 and confirmed_at is not null',
    [userId],
  );
  if (!rows[0]) return false;
  const step = stepOfCode(openSecret(config.KEY_ENCRYPTION_KEYS, userId, rows[0].sealed), code, clock());
  if (step === undefined) return false;
  const { rowCount } = await peoplePool.query(
    'update two_factors set last_step = $2 where user_id = $1 and last_step < $2',
    [userId, step],
  );
  return rowCount === 1;
};

const useRecoveryCode = async (
  { peoplePool }: Pick<TwoFactorDeps, 'peoplePool'>,
  userId: string,
  code: string,
): Promise<boolean> => {
  const { rowCount } = await peoplePool.query(
    `update two_factors set recovery_hashes = array_remove(recovery_hashes, $2)
     where user_id = $1 and $2 = any (recovery_hashes)`,
    [userId, hashRecoveryCode(userId, code)],
  );
  return rowCount === 1;
};

/** Uses a second factor up: it never works again, in any process. Problem: `invalid_code`. */
export const useProof = async (deps: TwoFactorDeps, userId: string, proof: Proof): Promise<void> => {
  const isRight =
    'code' in proof
      ? await useCode(deps, userId, proof.code)
      : await useRecoveryCode(deps, userId, proof.recoveryCode);
  if (!isRight) throw invalidCode();
};
