import type { TwoFactorDeps } from './two-factor-deps.ts';
import { useProof, type Proof } from './use-proof.ts';

/** Deletes the key, the recovery codes and the sign-ins that wait for a code. Problem: `invalid_code`. */
export const turnOffTwoFactor = async (deps: TwoFactorDeps, userId: string, proof: Proof): Promise<void> => {
  await useProof(deps, userId, proof);
  await deps.peoplePool.query('delete from two_factors where user_id = $1', [userId]);
};
