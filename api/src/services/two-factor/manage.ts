import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import { twoFactorOff, type TwoFactorDeps } from './two-factor-deps.ts';
import { useProof, type Proof } from './use-proof.ts';

export interface TwoFactor {
  /** When two-factor sign-in was turned on. `null`: it is off. */
  enabledAt: Date | null;
  recoveryCodesLeft: number;
}

export const readTwoFactor = async (
  { peoplePool }: Pick<TwoFactorDeps, 'peoplePool'>,
  userId: string,
): Promise<TwoFactor> => {
  const { rows } = await peoplePool.query<TwoFactor>(
    `select confirmed_at as "enabledAt", cardinality(recovery_hashes) as "recoveryCodesLeft"
     from two_factors where user_id = $1`,
    [userId],
  );
  return rows[0] ?? { enabledAt: null, recoveryCodesLeft: 0 };
};

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

/** Deletes the key, the recovery codes and the sign-ins that wait for a code. Problem: `invalid_code`. */
export const turnOffTwoFactor = async (deps: TwoFactorDeps, userId: string, proof: Proof): Promise<void> => {
  await useProof(deps, userId, proof);
  await deps.peoplePool.query('delete from two_factors where user_id = $1', [userId]);
};
