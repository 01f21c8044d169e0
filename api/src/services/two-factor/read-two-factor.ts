import type { TwoFactorDeps } from './two-factor-deps.ts';

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
