import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import { twoFactorOff, type TwoFactorDeps } from './two-factor-deps.ts';
import { useProof, type Proof } from './use-proof.ts';

/** Replaces all recovery codes. Problems: `invalid_code`, `two_factor_off`. */
export const renewRecoveryCodes = async (
  deps: TwoFactorDeps,
  userId: string,
  proof: Proof,
): Promise<string[]> => {
  await useProof(deps, userId, proof);
  const codes = newRecoveryCodes();
  const hashes = codes.map((code) => hashRecoveryCode(userId, code));
  const { rowCount } = await deps.peoplePool.query(
    'update two_factors set recovery_hashes = $2 where user_id = $1 and confirmed_at is not null',
    [userId, hashes],
  );
  if (rowCount === 0) throw twoFactorOff();
  return codes;
};
